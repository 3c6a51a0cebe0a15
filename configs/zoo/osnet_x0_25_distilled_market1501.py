# OSNet x0.25 on Market-1501 at 256x128, with weights in the package: the network of
# osnet_x0_25_market1501.py, trained further by distillation/osnet_two_teachers.py. Ours: README.md
# beside this file.
#   reid-fusedloss test osnet_x0_25_distilled_market1501 --dataset market1501
_base_ = './osnet_x0_25_market1501.py'
