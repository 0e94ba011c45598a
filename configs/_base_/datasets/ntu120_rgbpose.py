_base_ = 'ntu60_rgbpose.py'

data_root = 'data/ntu120'

train_dataloader = dict(
    dataset=dict(
        annotations=f'{data_root}/ntu120_2d.pkl',
        rgb=dict(root=f'{data_root}/videos'),
        num_classes=120,
    )
)
val_dataloader = train_dataloader
test_dataloader = train_dataloader
