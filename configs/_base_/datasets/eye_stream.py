# eye.py for data larger than memory and than any cache: a folder of parquet files, read
# onwards and decoded in workers. docs/scaling.md
dataset_type = 'EyeParquetStream'
data_root = 'data/eyes'

train_dataloader = dict(
    batch_size=256,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='ShardSampler', shuffle=True),
    batch_sampler=dict(type='ShardBatchSampler'),
    dataset=dict(
        type=dataset_type,
        data=data_root,
        split='train',
        image_size=(32, 64),
        buffer_rows=65_536,
        lanes=4,  # a multiple of num_workers
    ),
)
val_dataloader = dict(
    batch_size=1024,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='ShardSampler', shuffle=False),
    batch_sampler=dict(type='ShardBatchSampler'),
    dataset=dict(
        type=dataset_type,
        data=data_root,
        split='val',
        image_size=(32, 64),
        lanes=4,
    ),
)
# val: many files have no test split; their numbers are those of model selection.
# With one: --cfg-options test_dataloader.dataset.split=test
test_dataloader = dict(
    batch_size=1024,
    num_workers=4,
    persistent_workers=False,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='ShardSampler', shuffle=False),
    batch_sampler=dict(type='ShardBatchSampler'),
    dataset=dict(
        type=dataset_type,
        data=data_root,
        split='val',
        image_size=(32, 64),
        lanes=4,
    ),
)
val_evaluator = dict(type='BinaryMetric')
test_evaluator = dict(type='BinaryMetric')
