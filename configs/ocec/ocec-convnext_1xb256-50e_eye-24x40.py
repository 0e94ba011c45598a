"""Upstream's README recipe, ConvNeXt, with a grid that fits (170,145 parameters).

Train:  python tools/train.py \
    configs/ocec/ocec-convnext_1xb256-50e_eye-24x40.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_convnext.py',
    '../_base_/datasets/eye_24x40.py',
    '../_base_/schedules/adamw_plateau_1000e.py',
    '../_base_/default_runtime.py',
]

optim_wrapper = dict(type='AmpOptimWrapper')
train_cfg = dict(max_epochs=50)
auto_scale_lr = dict(base_batch_size=256)
