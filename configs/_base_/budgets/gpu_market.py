# Any row on Market-1501 or a similar set on one GPU: MobileNetV2 1.0 from ImageNet weights, the
# paper's image size (256x128), half the length of its schedule.
#   --dataset market1501 --budget gpu_market
_base_ = ['../schedules/paper_60e.py', '../models/budget_mobilenetv2.py']
default_hooks = dict(channels_last=dict(type='reid_fusedloss.ChannelsLastHook'))
