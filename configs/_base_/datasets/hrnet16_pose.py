dataset_type = 'RGBPose'
data_root = 'data/skeleton'

# a few hundred skeletons stay in memory: no workers
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/hrnet16_2d.pkl',
        split='xsub_train',
        num_pose_frames=24,
        num_rgb_frames=24,
        max_persons=1,
        num_classes=16,
    ),
)
val_dataloader = dict(
    batch_size=31,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        annotations=f'{data_root}/hrnet16_2d.pkl',
        split='xsub_test',
        test_mode=True,
        num_pose_frames=24,
        num_rgb_frames=24,
        max_persons=1,
        num_classes=16,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ActionMetric')
test_evaluator = dict(type='ActionMetric')
