optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.0015, momentum=0.9, weight_decay=3e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
# by epoch; its end is train_cfg.max_epochs
param_scheduler = dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=16)
