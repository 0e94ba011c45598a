# X-ShiftNet on RGB frames, X-ShiftNet on pose heatmaps, attention from pose to RGB
model = dict(
    type='ActionRecognizer',
    data_preprocessor=dict(
        type='ActionPreprocessor',
        layout='coco17',
        frame_size=(224, 224),
        heatmap_size=(56, 56),
        sigma=0.6,
        flip_prob=0.5,
        reuse_memory=True,
    ),
    backbone=dict(
        type='EPAMNet',
        rgb_path=dict(type='XShiftNet', in_channels=3, depths=(3, 5, 11, 7)),
        pose_path=dict(
            type='XShiftNet',
            in_channels=17,
            depths=(5, 11, 7),
            stem_stride=1,
            shift_div=4,
        ),
        attention=dict(type='PoseAttention'),
    ),
    head=dict(type='TwoStreamHead', num_classes=60, dropout=0.5, fusion='score'),
)
