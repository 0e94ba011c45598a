"""Stage 1: ResNet [2, 2, 2] with CBAM, all six fusions (3,246,514 parameters).

Train:  python tools/train.py \
    configs/pair/pair-stage1-cbam-fusion6_1xb64-50e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_resnet.py',
    '../_base_/datasets/digit_pairs.py',
    '../_base_/schedules/pair_plateau_50e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    backbone=dict(attention='cbam'),
    head=dict(fusions=('diff', 'concat', 'product', 'cosine', 'l2', 'residual')),
)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
