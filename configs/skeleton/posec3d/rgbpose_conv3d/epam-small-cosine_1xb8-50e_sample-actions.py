"""Small, the guide's tuned settings, generated actions (492,067 parameters).

Its values as they are, also the rate: that of 2 x 8 is not halved for one process of 8.

Train:  python tools/train.py \
  configs/skeleton/posec3d/rgbpose_conv3d/epam-small-cosine_1xb8-50e_sample-actions.py \
  --data data/sample_actions
Result: best val fused_top1 0.290 (epoch 37), train 0.380; seed 100, CPU, 2026-11-21
"""

_base_ = [
    '../../../_base_/models/epam_small.py',
    '../../../_base_/datasets/sample_actions.py',
    '../../../_base_/schedules/sgd_cosine_50e.py',
    '../../../_base_/action_runtime.py',
]

auto_scale_lr = dict(base_batch_size=8)
randomness = dict(seed=100)
