default_scope = 'ocec'

default_hooks = dict(
    watchdog=dict(type='WatchdogHook', timeout=900, silence=20),
    non_finite=dict(type='NonFiniteHook', policy='stop'),
    runtime_info=dict(type='RuntimeInfoHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    timer=None,  # LoggerHook measures time
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=3, save_best='eye/f1'
    ),
    provenance=dict(type='ProvenanceHook'),
    margin_warmup=dict(type='MarginWarmupHook'),
    thresholds=dict(type='ThresholdHook', precision=0.99, false_alarm_rate=0.01),
    advice=dict(type='AdviceHook'),
    hparams=dict(type='HParamsHook'),
    diagnostics=dict(type='DiagnosticsHook', interval=10),
    verdict=dict(type='VerdictHook'),
)

visualizer = dict(type='Visualizer', vis_backends=[dict(type='TensorboardVisBackend')])

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl', timeout=1800),
)
randomness = dict(seed=42, diff_rank_seed=True, deterministic=False)
log_level = 'INFO'
load_from = None
resume = False
