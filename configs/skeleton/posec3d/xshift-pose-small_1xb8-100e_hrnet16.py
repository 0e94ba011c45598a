"""Pose stream alone, small, for 16 actions of one person (165,062 parameters).

Train:  python tools/train.py \
    configs/skeleton/posec3d/xshift-pose-small_1xb8-100e_hrnet16.py \
    --data data/skeleton/hrnet16_2d.pkl
Result: last epoch 88.7 % (55 of 62 videos, ten clips each); seed 42, CPU, 2026-11-21
"""

_base_ = [
    '../../_base_/models/epam_pose_small.py',
    '../../_base_/datasets/hrnet16_pose.py',
    '../../_base_/schedules/action_adamw_cosine_60e.py',
    '../../_base_/action_runtime.py',
]

train_cfg = dict(max_epochs=100)
auto_scale_lr = dict(base_batch_size=8)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.99)]
