"""The default for small data: inverted_se S, affine and Mixup (118,321 parameters).

Train:  python tools/train.py \
    configs/ocec/ocec-inverted-se-small-data_1xb256-20e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = './ocec-inverted-se_1xb256-20e_eye-32x64.py'

model = dict(
    data_preprocessor=dict(
        batch_augments=[
            dict(type='BatchRandomFlip', prob=0.5),
            dict(
                type='BatchRandomAffine',
                degrees=(-10, 10),
                translate=(0.08, 0.08),
                scale=(0.9, 1.1),
                prob=0.8,
            ),
            dict(type='BatchPhotometricDistort', prob=0.5),
            dict(type='BatchRandomCLAHE', prob=0.01, clip_limit=2.0, grid=(4, 4)),
        ],
        mix_augments=dict(
            augments=[dict(type='mmpretrain.Mixup', alpha=0.2)], probs=[0.5]
        ),
    )
)
