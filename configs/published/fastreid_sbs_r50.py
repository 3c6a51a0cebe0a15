# Weights of FastReID's SBS(R50): non-local blocks, generalized mean pooling with a learned power,
# 384x128; otherwise fastreid_bot_r50.py. Weights of AGW have the same names and also fit, with
# images of 256x128. Training: circle loss over classes and triplet loss with a soft margin.
#   python tools/test.py configs/published/fastreid_sbs_r50.py FILE.pth --dataset market1501
# Published: Market-1501 R1 95.4 / mAP 88.2, DukeMTMC-reID R1 90.3 / mAP 80.3. Ours: not run.
_base_ = './fastreid_bot_r50.py'
model = dict(
    backbone=dict(non_local=(0, 2, 3, 0)),
    neck=dict(type='GeneralizedMeanPooling'),
    head=dict(
        loss=dict(
            terms=dict(id=dict(weight=0.0), circle=dict(weight=1.0), triplet=dict(margin=None))
        )
    ),
)
train_dataloader = dict(
    dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)), crop=dict(crop_size=(384, 128))))
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)))))
test_dataloader = val_dataloader
