dataset_type = 'RGBPose'
data_root = 'data/ntu60'

# without RGB frames only num_pose_frames counts
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/ntu60_2d.pkl',
        split='xsub_train',
        num_pose_frames=48,
        num_rgb_frames=48,
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=60,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/ntu60_2d.pkl',
        split='xsub_val',
        num_pose_frames=48,
        num_rgb_frames=48,
        box=dict(padding=0.25, ratio=1.0, beyond_frame=False),
        num_classes=60,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ActionMetric')
test_evaluator = dict(type='ActionMetric')
