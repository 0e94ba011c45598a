"""Stage 0, the plain compare net (175,681 parameters).

Train:  python tools/train.py \
    configs/pair/pair-stage0-compare_1xb64-50e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_compare.py',
    '../_base_/datasets/digit_pairs.py',
    '../_base_/schedules/pair_plateau_50e.py',
    '../_base_/pair_runtime.py',
]

custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
