"""What ``python -m ocec train`` trains without further flags (11,520 parameters).

Baseline with CosFace, lr 1e-4 after a warmup of 5 epochs, plateau 0.5 / 2, EMA 0.999,
no mixed precision, seed 42.

Train:  python tools/train.py \
    configs/ocec/ocec-guide_1xb32-30e_eye-48x48.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_warmup_plateau_1000e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='AutoHead', margin=dict(type='CosFace')))
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    dataset=dict(image_size=(48, 48)),
)
val_dataloader = dict(dataset=dict(image_size=(48, 48)))
test_dataloader = dict(dataset=dict(image_size=(48, 48)))
train_cfg = dict(max_epochs=30)
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
