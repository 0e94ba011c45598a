optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
)
# from eta_max / div_factor to eta_max in the first 30 %, then down to almost nothing;
# its length is train_cfg.max_epochs unless total_steps is given. The rate is set by
# eta_max alone: optimizer.lr, lr_mult and auto_scale_lr do not count
param_scheduler = dict(
    type='OneCycleLR',
    eta_max=1e-3,
    div_factor=10.0,
    by_epoch=True,
    convert_to_iter_based=True,
)
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=256)
