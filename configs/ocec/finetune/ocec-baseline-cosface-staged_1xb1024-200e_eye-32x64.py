"""The guide's remedy: frozen first, then the last blocks, then all (11,520 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface-staged_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'

custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(
        type='FreezeHook',
        freeze='backbone',
        unfreeze=[
            dict(stages='blocks[-2:]', epoch=20),
            dict(stages='all', epoch=60),
        ],
        warmup_epochs=5,
    ),
]
optim_wrapper = dict(constructor='LayerWiseLR')
