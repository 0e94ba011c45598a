_base_ = 'actions.py'

data_root = 'data/ntu60'

# 48 frames of the skeletons, every third of them in RGB
train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    dataset=dict(
        annotations=f'{data_root}/ntu60_2d.pkl',
        rgb=dict(root=f'{data_root}/videos', layout='auto'),
        num_pose_frames=48,
        num_rgb_frames=16,
        frame_size=(224, 224),
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=60,
    ),
)
val_dataloader = train_dataloader
test_dataloader = train_dataloader
