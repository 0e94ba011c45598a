optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=5e-4, fused=True),
)
# the cut comes at the fourth validation in a row without improvement (patience + 1),
# as in torch
param_scheduler = dict(
    type='ReduceOnPlateauLR',
    monitor='pair/accuracy',
    rule='greater',
    factor=0.5,
    patience=3,
)
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=64)
