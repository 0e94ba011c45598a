optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
)
# in iterations: up in 2,000, down in 2,000. The rate is between the two bounds
# whatever optimizer.lr is; lr_mult and auto_scale_lr scale it
param_scheduler = dict(
    type='CyclicLR', base_lr=1e-5, max_lr=1e-3, step_size_up=2000, by_epoch=False
)
train_cfg = dict(by_epoch=True, max_epochs=1000, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=8192)
