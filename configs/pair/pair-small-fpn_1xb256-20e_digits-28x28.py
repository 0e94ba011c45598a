"""Small version of stage 3.2: a feature pyramid (933,492 parameters).

Train:  python tools/train.py \
    configs/pair/pair-small-fpn_1xb256-20e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_small.py',
    '../_base_/datasets/digit_pairs_stream.py',
    '../_base_/schedules/pair_cosine_20e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    backbone=dict(type='PairFPN', pyramid_channels=64),
    head=dict(
        loss=dict(
            _delete_=True, type='SmoothFocalLoss', label_smooth_val=0.1, gamma=2.0
        )
    ),
)
train_dataloader = dict(batch_size=256)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
