"""The guide's remedy: a warmup of 20 epochs (11,520 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface-warmup20_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=20),
    dict(
        type='ReduceOnPlateauLR',
        monitor='eye/loss',
        rule='less',
        factor=0.5,
        patience=2,
        begin=20,
    ),
]
