"""Stage 2.1: ResNet [3, 3, 3], three fusions, focal loss (4,749,830 parameters).

Early stopping waits 10 epochs, not 5: a net without digit labels can stay at chance for
longer than that.

Train:  python tools/train.py \
    configs/pair/pair-stage2-resnet333_1xb64-100e_digits-28x28.py \
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
    backbone=dict(layers=(3, 3, 3)),
    head=dict(
        fusions=('diff', 'concat', 'product'),
        loss=dict(
            _delete_=True, type='SmoothFocalLoss', label_smooth_val=0.1, gamma=2.0
        ),
    ),
)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
