"""Only the head, for a few hundred crops of a new camera (11,457 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-head_1xb64-20e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.953 +/- 0.008 on the new camera,
        0.934 +/- 0.002 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = './ocec-baseline-smalldata_1xb64-20e_eye-32x64.py'

custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(type='FreezeHook', freeze='backbone'),
]
