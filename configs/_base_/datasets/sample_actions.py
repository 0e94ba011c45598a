dataset_type = 'RGBPose'
data_root = 'data/sample_actions'

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/sample_actions_2d.pkl',
        rgb=dict(root=f'{data_root}/videos', layout='auto'),
        split='xsub_train',
        num_pose_frames=24,
        num_rgb_frames=8,
        frame_size=(96, 96),
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=16,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/sample_actions_2d.pkl',
        rgb=dict(root=f'{data_root}/videos', layout='auto'),
        split='xsub_val',
        num_pose_frames=24,
        num_rgb_frames=8,
        frame_size=(96, 96),
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=16,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ActionMetric')
test_evaluator = dict(type='ActionMetric')
