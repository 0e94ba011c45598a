"""The training guide's own run: 64 channels, 8 blocks (547,713 parameters).

Two GPUs with 4,096 images each, lr 1e-4, weight decay 1e-4, plateau 0.5 / 2, EMA
0.999, no mixed precision, seed 42.

Train:  tools/dist_train.sh \
    configs/ocec/ocec-baseline-b64-n8_2xb4096-1000e_eye-32x64.py 2 \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_plateau_1000e.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(base_channels=64, num_blocks=8))
# the guide's 16 workers decode pictures; here a worker only copies mapped memory
train_dataloader = dict(
    batch_size=4096, num_workers=2, persistent_workers=True, pin_memory=True
)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
