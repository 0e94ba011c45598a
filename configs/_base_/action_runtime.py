_base_ = 'default_runtime.py'

default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(save_best='acc/fused_top1'),
    # of two classes and of margins, which actions do not have
    margin_warmup=None,
    thresholds=None,
    diagnostics=None,
)
