dataset_type = 'RGBPose'

# a few hundred clips stay in memory: no workers
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, split='xsub_train'),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, split='xsub_val', test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ActionMetric')
test_evaluator = dict(type='ActionMetric')
