_base_ = 'pair_plateau_50e.py'

optim_wrapper = dict(type='AmpOptimWrapper', clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_epochs=100)
