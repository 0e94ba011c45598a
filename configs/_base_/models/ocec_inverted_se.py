model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='ImagePreprocessor',
        # of 470,811 eye crops, RGB, pixel values
        mean=[119.753, 118.821, 119.626],
        std=[45.077, 45.531, 45.086],
        batch_augments=[
            dict(type='BatchRandomFlip', prob=0.5),
            dict(type='BatchPhotometricDistort', prob=0.5),
            dict(type='BatchRandomCLAHE', prob=0.01, clip_limit=2.0, grid=(4, 4)),
        ],
    ),
    backbone=dict(type='OCECInvertedSE', base_channels=32, num_blocks=4),
    head=dict(
        type='AvgMaxMLPHead',
        num_classes=1,
        dropout=0.3,
        loss=dict(type='BCELoss', pos_weight='auto'),
    ),
)
