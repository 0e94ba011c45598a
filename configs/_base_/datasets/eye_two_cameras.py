dataset_type = 'MixedEyes'
# --data home=my_home.parquet,new=my_new.parquet

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    # half of every batch from each camera, half of that closed; an epoch shows every
    # image of the new camera once
    sampler=dict(
        type='SourceSampler',
        shares=dict(home=0.5, new=0.5),
        class_balanced=True,
        num_samples='new',
    ),
    dataset=dict(
        type=dataset_type,
        split='train',
        image_size=(32, 64),
        sources=dict(
            home=dict(data='data/home_eyes.parquet'),
            new=dict(data='data/new_eyes.parquet'),
        ),
    ),
)
val_dataloader = dict(
    batch_size=1024,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='val',
        image_size=(32, 64),
        sources=dict(
            home=dict(data='data/home_eyes.parquet'),
            new=dict(data='data/new_eyes.parquet'),
        ),
    ),
)
test_dataloader = dict(
    batch_size=1024,
    num_workers=0,
    collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='val',
        image_size=(32, 64),
        sources=dict(
            home=dict(data='data/home_eyes.parquet'),
            new=dict(data='data/new_eyes.parquet'),
        ),
    ),
)
val_evaluator = dict(
    type='SourceMetric', sources=dict(home=dict(weight=1), new=dict(weight=1))
)
test_evaluator = val_evaluator
