model = dict(
    type='PairClassifier',
    # of the 4,000 images of a public set of digit pairs, grey levels
    data_preprocessor=dict(type='PairPreprocessor', mean=16.68, std=37.71),
    backbone=dict(
        type='PairFPN',
        layers=(2, 2, 2),
        width_mult=1.25,
        pyramid_channels=128,
        attention='se',
        feat_dim=256,
        dropout=(0.1, 0.1),
    ),
    head=dict(
        type='FusionPairHead',
        fusions=('diff', 'concat', 'product', 'cosine', 'l2'),
        dropout=(0.1, 0.1),
        loss=dict(type='BCELoss', pos_weight=1.0),
    ),
)
