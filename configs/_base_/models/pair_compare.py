model = dict(
    type='PairClassifier',
    # of the 4,000 images of a public set of digit pairs, grey levels
    data_preprocessor=dict(type='PairPreprocessor', mean=16.68, std=37.71),
    backbone=dict(type='CompareTower', widths=(32, 64, 128), feat_dim=128, dropout=0.1),
    head=dict(
        type='ConcatPairHead',
        hidden_channels=256,
        dropout=0.2,
        loss=dict(type='BCELoss', pos_weight=1.0),
    ),
)
