optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
)
# T_max is train_cfg.max_epochs unless given, so that a shorter run is a whole cosine
param_scheduler = dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=1000, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=8192)
