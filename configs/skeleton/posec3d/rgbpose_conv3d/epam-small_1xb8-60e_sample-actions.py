"""Both streams, small, on the generated actions (492,067 parameters).

Train:  python tools/dataset_converters/make_sample_actions.py data/sample_actions
    python tools/train.py \
    configs/skeleton/posec3d/rgbpose_conv3d/epam-small_1xb8-60e_sample-actions.py \
    --data data/sample_actions
Result: not measured
"""

_base_ = [
    '../../../_base_/models/epam_small.py',
    '../../../_base_/datasets/sample_actions.py',
    '../../../_base_/schedules/action_adamw_cosine_60e.py',
    '../../../_base_/action_runtime.py',
]

optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=8)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.99)]
