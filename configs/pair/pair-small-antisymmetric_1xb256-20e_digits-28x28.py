"""Small tower with the head that flips its sign (773,994 parameters).

Train:  python tools/train.py \
    configs/pair/pair-small-antisymmetric_1xb256-20e_digits-28x28.py \
    --data data/digit_pairs
Result: test accuracy 89.18 (89.01 to 89.44, n=3 seeds) after 8 of the
        20 epochs, MNIST pairs, severity 6, 2026-11-21: docs/pair.md
"""

_base_ = [
    '../_base_/models/pair_small.py',
    '../_base_/datasets/digit_pairs_stream.py',
    '../_base_/schedules/pair_cosine_20e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    # swapped sides are nothing new to it
    data_preprocessor=dict(swap_prob=0.0),
    head=dict(
        _delete_=True,
        type='AntisymmetricPairHead',
        hidden_channels=(128, 64),
        dropout=(0.1, 0.1),
        digit_loss_weight=1.0,
    ),
)
train_dataloader = dict(batch_size=256)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
