optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=40, norm_type=2),
)
# both act on the same rate: 1/5, 2/5, ... 5/5 in the first 5 epochs, times a cosine
# over the whole run, whose end is train_cfg.max_epochs
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, by_epoch=True, end=5),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True),
]
train_cfg = dict(by_epoch=True, max_epochs=60, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=16)
