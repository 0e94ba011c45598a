_base_ = 'actions.py'

data_root = 'data/ntu60'

# without RGB frames only num_pose_frames counts
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    dataset=dict(
        annotations=f'{data_root}/ntu60_2d.pkl',
        num_pose_frames=48,
        num_rgb_frames=48,
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=60,
    ),
)
val_dataloader = dict(train_dataloader, batch_size=32)
test_dataloader = val_dataloader
