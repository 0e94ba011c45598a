"""OCEC inverted_se, size S (32 channels, 4 blocks; 118,321 parameters) at 32x64.

Train:  python tools/train.py configs/ocec/ocec-inverted-se_1xb256-20e_eye-32x64.py \
    --data my_eyes.parquet
Result: with train_cfg.max_epochs=10, val F1 0.946 +/- 0.006, AUC 0.988 (n=3 seeds) on
        MRL eyes, 4 unseen subjects, one core of an AMD EPYC, 2026-11-21
"""

_base_ = [
    '../_base_/models/ocec_inverted_se.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_cosine_20e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(dropout=0.5))
optim_wrapper = dict(optimizer=dict(lr=4e-3))
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
