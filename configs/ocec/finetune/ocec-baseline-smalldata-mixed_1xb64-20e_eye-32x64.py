"""Both cameras in every batch, for a few hundred crops of the new one.

11,457 parameters.

Validated on both at once: home/f1, new/f1, and their mean, by which the best epoch is
chosen.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-mixed_1xb64-20e_eye-32x64.py \
    --data home=home_eyes.parquet,new=new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.985 +/- 0.003 on the new camera,
        0.939 +/- 0.001 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = [
    '../../_base_/models/ocec_baseline.py',
    '../../_base_/datasets/eye_two_cameras.py',
    '../../_base_/schedules/adamw_cosine_20e.py',
    '../../_base_/default_runtime.py',
]

load_from = 'work_dirs/home'
# the batches are balanced, so the classes weigh the same
model = dict(head=dict(dropout=0.5, loss=dict(pos_weight=1.0)))
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
auto_scale_lr = dict(base_batch_size=64)
default_hooks = dict(checkpoint=dict(save_best='mean/f1'))
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
