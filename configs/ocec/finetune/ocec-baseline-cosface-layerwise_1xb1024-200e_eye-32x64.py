"""The guide's rates by layer: stem 1e-5, last block 5e-5, head 1e-4, margin 2e-4.

11,520 parameters.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface-layerwise_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'

optim_wrapper = dict(
    optimizer=dict(lr=5e-5),
    constructor='LayerWiseLR',
    paramwise_cfg=dict(
        stem_lr_mult=0.2,
        layer_decay_rate=0.7,
        head_lr_mult=2,
        margin_lr_mult=4,
        norm_decay_mult=0,
        bias_decay_mult=0,
    ),
)
