# Loaders and transforms of every data set. The steps of a pipeline have names, so that a child
# config can change a single one; a probability of 0 switches a step off. batch_size is the total
# over all processes (train_cfg.split_batch); P = batch_size / num_instances.
# Resize takes (width, height), RandomCrop (height, width). Steps of reid_fusedloss give the same
# results as mmcv's and mmpretrain's of these names, in less time.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='reid_fusedloss.PKBatchSampler', num_instances=4, epoch_rule='chunks'),
    dataset=dict(
        split='train',
        pipeline=dict(
            load=dict(type='reid_fusedloss.LoadReIDImage'),
            auto_augment=dict(
                type='RandomApply',
                prob=0.1,
                transforms=[dict(type='AutoAugment', policies='imagenet', hparams=dict(pad_val=0))],
            ),
            resize=dict(type='Resize', scale=(128, 256)),
            flip=dict(type='reid_fusedloss.RandomFlip', prob=0.5, direction='horizontal'),
            crop=dict(type='reid_fusedloss.RandomCrop', crop_size=(256, 128), padding=10),
            # fill: the ImageNet mean in BGR, so that an erased pixel is 0 after normalisation
            erase=dict(
                type='reid_fusedloss.RandomErasing',
                erase_prob=0.5,
                min_area_ratio=0.02,
                max_area_ratio=0.4,
                aspect_range=(0.3, 3.33),
                mode='const',
                fill_color=(103.53, 116.28, 123.675),
            ),
            pack=dict(type='reid_fusedloss.PackInputs'),
        ),
    ),
)

val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    worker_init_fn=dict(type='reid_fusedloss.start_worker'),
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        split='test',
        pipeline=dict(
            load=dict(type='reid_fusedloss.LoadReIDImage'),
            resize=dict(type='Resize', scale=(128, 256)),
            # clothes and track: where the data set has them, for the protocols that read them
            pack=dict(
                type='reid_fusedloss.PackInputs',
                meta_keys=(
                    'sample_idx',
                    'img_path',
                    'pid',
                    'camid',
                    'is_query',
                    'clothes',
                    'track',
                ),
            ),
        ),
    ),
)
test_dataloader = val_dataloader
