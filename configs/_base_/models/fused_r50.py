# ResNet-50 with last stride 1, BNNeck, and the fused loss of the paper (eq. 6):
# L = L_circle + L_triplet + 0.005 L_center. The metric losses use the feature before the BN, the
# circle loss the cosines of the feature after it. id: the baseline's loss, with weight 0 and so
# left out; tables 2 and 3 switch it on. num_classes=None: the training loop counts the identities.
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='reid_fusedloss.ReIDDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        strides=(1, 2, 2, 1),
        out_indices=(3,),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='reid_fusedloss.BNNeckHead',
        num_classes=None,
        in_channels=2048,
        loss=dict(
            type='reid_fusedloss.FusedLoss',
            terms=dict(
                id=dict(
                    type='torch.nn.CrossEntropyLoss',
                    reads='logits',
                    weight=0.0,
                    label_smoothing=0.1,
                ),
                circle=dict(
                    type='reid_fusedloss.CircleLoss',
                    reads='cosines',
                    weight=1.0,
                    form='class',
                    margin=0.35,
                    gamma=64,
                    label_smoothing=0.1,
                ),
                triplet=dict(
                    type='reid_fusedloss.TripletLoss',
                    reads='pooled',
                    weight=1.0,
                    margin=0.3,
                    mining='hard',
                    normalize=False,
                ),
                center=dict(
                    type='reid_fusedloss.CenterLoss',
                    reads='pooled',
                    weight=0.005,
                    lr=0.5,
                    update='sgd',
                    init='normal',
                    reduction='mean',
                ),
            ),
        ),
    ),
)
