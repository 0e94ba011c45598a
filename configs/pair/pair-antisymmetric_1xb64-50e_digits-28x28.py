"""ResNet [2, 2, 2] with the head that flips its sign (3,085,002 parameters).

Train:  python tools/train.py \
    configs/pair/pair-antisymmetric_1xb64-50e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_resnet.py',
    '../_base_/datasets/digit_pairs.py',
    '../_base_/schedules/pair_plateau_amp_100e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    head=dict(_delete_=True, type='AntisymmetricPairHead', digit_loss_weight=1.0)
)
train_cfg = dict(max_epochs=50)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
