_base_ = 'actions.py'

data_root = 'data/sample_actions'

train_dataloader = dict(
    dataset=dict(
        annotations=f'{data_root}/sample_actions_2d.pkl',
        rgb=dict(root=f'{data_root}/videos', layout='auto'),
        num_pose_frames=24,
        num_rgb_frames=8,
        frame_size=(96, 96),
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=16,
    ),
)
val_dataloader = dict(dataset=train_dataloader['dataset'])
test_dataloader = val_dataloader
