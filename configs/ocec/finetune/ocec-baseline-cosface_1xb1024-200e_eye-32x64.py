"""The fine-tuning guide's run: baseline 32/4 with CosFace (11,520 parameters).

lr 5e-5, warmup of 10 epochs, plateau 0.5 / 2, weight decay 1e-4, AMP, seed 42. Start
from a model with CosFace: another margin would begin anew.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = [
    '../../_base_/models/ocec_baseline.py',
    '../../_base_/datasets/eye.py',
    '../../_base_/schedules/adamw_finetune_200e.py',
    '../../_base_/default_runtime.py',
]

load_from = 'work_dirs/home'
model = dict(head=dict(margin=dict(type='CosFace', m=0.35, s=8.0)))
train_dataloader = dict(
    batch_size=1024, num_workers=2, persistent_workers=True, pin_memory=True
)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
