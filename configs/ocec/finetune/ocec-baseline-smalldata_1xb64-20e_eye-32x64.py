"""Every weight on, for a few hundred crops of a new camera: from the 20-epoch baseline.

11,457 parameters.

Starts from a run of configs/ocec/ocec-baseline_1xb256-20e_eye-32x64.py.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata_1xb64-20e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.987 +/- 0.005 on the new camera,
        0.804 +/- 0.077 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = [
    '../../_base_/models/ocec_baseline.py',
    '../../_base_/datasets/eye.py',
    '../../_base_/schedules/adamw_cosine_20e.py',
    '../../_base_/default_runtime.py',
]

load_from = 'work_dirs/home'
model = dict(head=dict(dropout=0.5))
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
auto_scale_lr = dict(base_batch_size=64)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
