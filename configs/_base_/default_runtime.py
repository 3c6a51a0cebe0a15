# Settings that all runs share. Hooks have names, so that a child config can change a single one.
default_scope = 'mmpretrain'
custom_imports = dict(imports=['reid_fusedloss'], allow_failed_imports=False)

default_hooks = dict(
    runtime_info=dict(type='reid_fusedloss.DeferredInfoHook'),
    timer=dict(type='IterTimerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    averaged_model=dict(type='reid_fusedloss.AveragedModelHook'),
    run_info=dict(type='reid_fusedloss.RunInfoHook'),
    skipped_images=dict(type='reid_fusedloss.SkippedImagesHook'),
    plain_checkpoint=dict(type='reid_fusedloss.PlainCheckpointHook'),
    foreign_weights=dict(type='reid_fusedloss.ForeignWeightsHook'),
    other_identities=dict(type='reid_fusedloss.OtherIdentitiesHook'),
    checkpoint=dict(
        type='reid_fusedloss.ReIDCheckpointHook', interval=1, max_keep_ckpts=2, save_best='reid/mAP'
    ),
    stop_signal=dict(type='reid_fusedloss.StopSignalHook'),
    report=dict(type='reid_fusedloss.ReIDReportHook', num_queries=8),
)

# One extraction, two results: reid/* by distance, rerank/* after k-reciprocal re-ranking.
val_evaluator = dict(type='reid_fusedloss.ReIDMetric', distance='cosine', prefix='reid')
test_evaluator = dict(
    type='reid_fusedloss.ReIDMetric',
    distance='cosine',
    prefix='reid',
    rerank=dict(k1=20, k2=6, lambda_value=0.3),
)

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl', timeout=3600),
)
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
