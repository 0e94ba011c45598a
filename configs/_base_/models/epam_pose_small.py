# two CPU cores: the heatmap is halved at once, 7 blocks instead of 23
model = dict(
    type='ActionRecognizer',
    data_preprocessor=dict(
        type='ActionPreprocessor',
        layout='coco17',
        heatmap_size=(48, 48),
        sigma=1.0,
        flip_prob=0.5,
        random_crop=dict(area_range=(0.7, 1.0)),
        reuse_memory=True,
    ),
    backbone=dict(
        type='EPAMNet',
        rgb_path=None,
        pose_path=dict(
            type='XShiftNet',
            in_channels=17,
            depths=(2, 3, 2),
            stem_stride=2,
            shift_div=4,
        ),
    ),
    head=dict(type='TwoStreamHead', num_classes=16, dropout=0.2),
)
