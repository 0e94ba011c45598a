"""For ConvNeXt runs that overfit (372,048 parameters).

Dropout 0.5, weight decay 2e-4, drop path 0.1.

Train:  python tools/train.py \
    configs/ocec/ocec-convnext-b48-cosface-regularised_1xb1024-1000e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = './ocec-convnext-b48-cosface_1xb1024-1000e_eye-32x64.py'

model = dict(backbone=dict(drop_path_rate=0.1), head=dict(dropout=0.5))
optim_wrapper = dict(optimizer=dict(weight_decay=2e-4))
