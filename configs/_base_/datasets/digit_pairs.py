dataset_type = 'PairNpz'
data_root = 'data/digit_pairs'

train_dataloader = dict(
    batch_size=64,
    num_workers=0,  # a batch is one gather from memory
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data=data_root, split='train'),
)
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data=data_root, split='val'),
)
test_dataloader = dict(
    batch_size=500,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data=data_root, split='test'),
)
val_evaluator = dict(type='BinaryMetric', prefix='pair')
test_evaluator = dict(type='BinaryMetric', prefix='pair')
