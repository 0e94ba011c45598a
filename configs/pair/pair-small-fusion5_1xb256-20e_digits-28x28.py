"""Small version of stage 2: five fusions, focal loss (799,988 parameters).

Train:  python tools/train.py \
    configs/pair/pair-small-fusion5_1xb256-20e_digits-28x28.py \
    --data data/digit_pairs
Result: test accuracy 89.07 (n=1, seed 42) after 8 of the
        20 epochs, MNIST pairs, severity 6, 2026-11-21: docs/pair.md
"""

_base_ = [
    '../_base_/models/pair_small.py',
    '../_base_/datasets/digit_pairs_stream.py',
    '../_base_/schedules/pair_cosine_20e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    head=dict(
        loss=dict(
            _delete_=True, type='SmoothFocalLoss', label_smooth_val=0.1, gamma=2.0
        )
    )
)
train_dataloader = dict(batch_size=256)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
