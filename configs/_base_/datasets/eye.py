dataset_type = 'EyeParquet'
data_root = 'data/eyes.parquet'

train_dataloader = dict(
    batch_size=256,
    num_workers=0,  # a batch is one gather from mapped memory
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data=data_root, split='train', image_size=(32, 64)),
)
val_dataloader = dict(
    batch_size=1024,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data=data_root, split='val', image_size=(32, 64)),
)
# val: many files have no test split; their numbers are those of model selection.
# With one: --cfg-options test_dataloader.dataset.split=test
test_dataloader = dict(
    batch_size=1024,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data=data_root, split='val', image_size=(32, 64)),
)
val_evaluator = dict(type='BinaryMetric')
test_evaluator = dict(type='BinaryMetric')
