"""The guide's remedy: the backbone frozen, head and margin trained (11,520 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface-frozen_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'

custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(type='FreezeHook', freeze='backbone'),
]
