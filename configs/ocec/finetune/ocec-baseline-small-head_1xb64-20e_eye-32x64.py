"""Only the head, for a few hundred crops of a new camera (11,457 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-small-head_1xb64-20e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-small_1xb64-20e_eye-32x64.py'

custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(type='FreezeHook', freeze='backbone'),
]
