# a tower for two CPU cores: the image is halved at once, widths 32, 64 and 128
model = dict(
    type='PairClassifier',
    data_preprocessor=dict(
        type='PairPreprocessor', mean=16.68, std=37.71, swap_prob=0.5
    ),
    backbone=dict(
        type='PairResNet',
        layers=(2, 2, 2),
        width_mult=0.5,
        stem_stride=2,
        attention='se',
        feat_dim=128,
        dropout=(0.1, 0.1),
    ),
    head=dict(
        type='FusionPairHead',
        fusions=('diff', 'concat', 'product', 'cosine', 'l2'),
        dropout=(0.1, 0.1),
        loss=dict(type='BCELoss', pos_weight=1.0),
        digit_loss_weight=1.0,
    ),
)
