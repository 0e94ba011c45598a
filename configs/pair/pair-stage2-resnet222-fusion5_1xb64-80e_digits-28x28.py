"""Stage 2.2: ResNet [2, 2, 2] and five fusions, all in use (3,204,618 parameters).

Train:  python tools/train.py \
    configs/pair/pair-stage2-resnet222-fusion5_1xb64-80e_digits-28x28.py \
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
    head=dict(
        loss=dict(
            _delete_=True, type='SmoothFocalLoss', label_smooth_val=0.1, gamma=2.0
        )
    )
)
train_cfg = dict(max_epochs=80)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='pair/accuracy', patience=10, rule='greater')
]
