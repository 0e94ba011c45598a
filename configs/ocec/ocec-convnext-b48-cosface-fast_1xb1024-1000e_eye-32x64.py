"""For ConvNeXt runs that converge slowly (372,048 parameters).

lr 1.5e-4, 10 epochs of warmup, then a cosine instead of the plateau.

Train:  python tools/train.py \
    configs/ocec/ocec-convnext-b48-cosface-fast_1xb1024-1000e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = './ocec-convnext-b48-cosface_1xb1024-1000e_eye-32x64.py'

optim_wrapper = dict(optimizer=dict(lr=1.5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=10),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True),
]
