"""For ConvNeXt runs that are unstable (372,048 parameters).

lr 8e-5, 30 epochs of warmup; GradHistogramHook shows the gradients.

Train:  python tools/train.py \
    configs/ocec/ocec-convnext-b48-cosface-stable_1xb1024-1000e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = './ocec-convnext-b48-cosface_1xb1024-1000e_eye-32x64.py'

optim_wrapper = dict(optimizer=dict(lr=8e-5))
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 30, by_epoch=True, end=30),
    dict(
        type='ReduceOnPlateauLR',
        monitor='eye/loss',
        rule='less',
        factor=0.5,
        patience=2,
        begin=30,
    ),
]
custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(type='GradHistogramHook'),
]
