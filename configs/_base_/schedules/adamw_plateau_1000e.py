optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
)
# the cut comes at the third validation in a row without improvement (patience + 1),
# as in torch
param_scheduler = dict(
    type='ReduceOnPlateauLR', monitor='eye/loss', rule='less', factor=0.5, patience=2
)
train_cfg = dict(by_epoch=True, max_epochs=1000, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=8192)
