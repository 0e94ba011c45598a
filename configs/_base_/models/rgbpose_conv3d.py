_base_ = 'epam_net.py'

model = dict(
    data_preprocessor=dict(
        sigma=0.7,
        random_crop=dict(area_range=(0.56, 1.0)),
        test_frame_size=(256, 256),
        test_heatmap_size=(64, 64),
    ),
    backbone=dict(_delete_=True, type='RGBPoseConv3D', speed_ratio=4),
    head=dict(fusion='prob'),
)
