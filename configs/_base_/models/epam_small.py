# two CPU cores: maps halved at once, few blocks; RGB side = 4 x heatmap side
model = dict(
    type='ActionRecognizer',
    data_preprocessor=dict(
        type='ActionPreprocessor',
        layout='coco17',
        frame_size=(96, 96),
        heatmap_size=(24, 24),
        sigma=0.6,
        flip_prob=0.5,
        reuse_memory=True,
    ),
    backbone=dict(
        type='EPAMNet',
        rgb_path=dict(type='XShiftNet', in_channels=3, depths=(1, 2, 2, 1)),
        pose_path=dict(
            type='XShiftNet',
            in_channels=17,
            depths=(1, 2, 1),
            stem_stride=1,
            shift_div=4,
        ),
        attention=dict(type='PoseAttention'),
    ),
    head=dict(type='TwoStreamHead', num_classes=16, dropout=0.3, fusion='score'),
)
