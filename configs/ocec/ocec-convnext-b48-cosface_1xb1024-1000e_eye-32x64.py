"""The ConvNeXt guide's run: 48 channels, CosFace (372,048 parameters).

Train:  python tools/train.py \
    configs/ocec/ocec-convnext-b48-cosface_1xb1024-1000e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_convnext.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_warmup_plateau_1000e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(base_channels=48),
    head=dict(margin=dict(type='CosFace', m=0.35, s=8.0)),
)
train_dataloader = dict(
    batch_size=1024, num_workers=2, persistent_workers=True, pin_memory=True
)
optim_wrapper = dict(optimizer=dict(lr=1.2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=True, end=20),
    dict(
        type='ReduceOnPlateauLR',
        monitor='eye/loss',
        rule='less',
        factor=0.5,
        patience=2,
        begin=20,
    ),
]
auto_scale_lr = dict(base_batch_size=1024)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
