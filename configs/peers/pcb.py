# PCB (Sun et al., "Beyond Part Models", ECCV 2018): six stripes of the map of a 384x128 image, each
# with its own classifier, identity losses summed; the test uses the concatenated stripes (the
# paper's G, 12,288 values; test_feature='bn': its H, 1,536). As in the paper and its code: 60
# epochs of SGD at 0.1, 0.01 for the pretrained layers, a tenth of that from epoch 40 on, flips,
# dropout 0.5, no label smoothing. Different: batches are P x K instead of 64 random images, and
# there is no refined part pooling.
#   python tools/train.py configs/peers/pcb.py --dataset market1501
# Table 5 quotes: Market-1501 R1 92.3 / mAP 77.4, DukeMTMC-reID R1 81.8 / mAP 66.1. Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    neck=None,
    head=dict(
        type='reid_fusedloss.PCBHead',
        num_parts=6,
        part_dims=256,
        dropout=0.5,
        test_feature='pooled',
        loss=dict(
            terms=dict(
                id=dict(
                    _delete_=True,
                    type='reid_fusedloss.PartwiseLoss',
                    reads='logits',
                    weight=1.0,
                    loss=dict(type='torch.nn.CrossEntropyLoss'),
                ),
                circle=dict(weight=0.0),
                triplet=dict(weight=0.0),
                center=dict(weight=0.0),
            )
        ),
    ),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=dict(
            auto_augment=dict(prob=0.0),
            resize=dict(scale=(128, 384)),
            crop=dict(crop_size=(384, 128), padding=None),
            erase=dict(erase_prob=0.0),
        )
    )
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)))))
test_dataloader = val_dataloader
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='SGD', lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    ),
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))),
)
param_scheduler = [dict(type='MultiStepLR', milestones=[40], gamma=0.1, by_epoch=True)]
train_cfg = dict(max_epochs=60)
