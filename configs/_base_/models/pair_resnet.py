model = dict(
    type='PairClassifier',
    # of the 4,000 images of a public set of digit pairs, grey levels
    data_preprocessor=dict(type='PairPreprocessor', mean=16.68, std=37.71),
    backbone=dict(
        type='PairResNet',
        layers=(2, 2, 2),
        width_mult=1.0,
        block='basic',
        attention='se',
        feat_dim=256,
        dropout=(0.4, 0.3),
    ),
    head=dict(
        type='FusionPairHead',
        fusions=('diff', 'concat', 'product', 'cosine', 'l2'),
        feature_attention=True,
        dropout=(0.4, 0.3),
        loss=dict(type='BCELoss', pos_weight=1.0),
    ),
)
