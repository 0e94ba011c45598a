"""Stage 3.2: a feature pyramid at width 1.25, five fusions (5,282,906 parameters).

Train:  python tools/train.py \
    configs/pair/pair-stage3-fpn_1xb64-60e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_fpn.py',
    '../_base_/datasets/digit_pairs.py',
    '../_base_/schedules/pair_plateau_amp_100e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    head=dict(
        loss=dict(
            _delete_=True, type='SmoothFocalLoss', label_smooth_val=0.1, gamma=2.0
        )
    )
)
optim_wrapper = dict(clip_grad=None)
train_cfg = dict(max_epochs=60)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
