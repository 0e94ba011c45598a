"""The default for small data: six blocks, affine augmentation (38,849 parameters).

Train:  python tools/train.py \
    configs/ocec/ocec-baseline-n6-affine_1xb256-20e_eye-32x64.py \
    --data my_eyes.parquet
Result: val F1 0.947 +/- 0.001, AUC 0.990 (n=3 seeds, one thread) on MRL eyes, 4 unseen
        subjects, one core of an AMD EPYC, 2026-11-21
"""

_base_ = './ocec-baseline_1xb256-20e_eye-32x64.py'

model = dict(
    backbone=dict(num_blocks=6),
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
    ),
)
