optim_wrapper = dict(
    type='AmpOptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-5, weight_decay=1e-4, fused=True),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=10),
    dict(
        type='ReduceOnPlateauLR',
        monitor='eye/loss',
        rule='less',
        factor=0.5,
        patience=2,
        begin=10,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=1024)
