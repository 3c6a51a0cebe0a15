# Weights of TransReID (He et al., ICCV 2021), ViT-B/16: the test uses the class token before the BN
# and cosine distance, 256x128, mean and standard deviation 0.5. Stride 16, the project's
# Baseline(ViT); for stride 12: model.backbone.patch_cfg.stride=12. From weights with JPM the global
# branch is used, from weights with SIE one camera: tools/convert_checkpoint.py prints the keys to
# set. Training: the project's losses, optimizer and schedule.
#   python tools/test.py configs/published/transreid_vit_base.py FILE.pth --dataset market1501
# Published: Market-1501 R1 94.6 / mAP 87.1, DukeMTMC-reID R1 89.0 / mAP 79.6. Ours: not run.
_base_ = '../backbones/vit_base.py'
model = dict(
    backbone=dict(patch_cfg=dict(stride=16, padding=0)),
    head=dict(
        test_feature='pooled',
        loss=dict(
            terms=dict(
                id=dict(weight=1.0, label_smoothing=0.0),
                circle=dict(weight=0.0),
                triplet=dict(margin=None),
                center=dict(weight=0.0),
            )
        ),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0))))
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(backend='pillow'))))
test_dataloader = val_dataloader
