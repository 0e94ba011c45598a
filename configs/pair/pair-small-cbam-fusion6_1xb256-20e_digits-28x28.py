"""Small version of stage 1: CBAM and six fusions (810,844 parameters).

Train:  python tools/train.py \
    configs/pair/pair-small-cbam-fusion6_1xb256-20e_digits-28x28.py \
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
    backbone=dict(attention='cbam'),
    head=dict(fusions=('diff', 'concat', 'product', 'cosine', 'l2', 'residual')),
)
train_dataloader = dict(batch_size=256)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
