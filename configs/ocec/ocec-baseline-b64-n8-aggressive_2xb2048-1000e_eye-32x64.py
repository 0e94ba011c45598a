"""The training guide's aggressive recipe (547,713 parameters).

Train:  tools/dist_train.sh \
    configs/ocec/ocec-baseline-b64-n8-aggressive_2xb2048-1000e_eye-32x64.py 2 \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_warmup_plateau_1000e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(base_channels=64, num_blocks=8),
    head=dict(
        dropout=0.2,
        loss=dict(_delete_=True, type='FocalLabelSmoothCE', smoothing=0.05, gamma=2.0),
    ),
)
train_dataloader = dict(
    batch_size=2048, num_workers=2, persistent_workers=True, pin_memory=True
)
optim_wrapper = dict(optimizer=dict(lr=3e-4, weight_decay=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, by_epoch=True, end=5),
    dict(
        type='ReduceOnPlateauLR',
        monitor='eye/loss',
        rule='less',
        factor=0.7,
        patience=10,
        begin=5,
    ),
]
auto_scale_lr = dict(base_batch_size=4096)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
