"""Learning rate, width and dropout of the OCEC baseline, on few epochs.

Sweep:  python tools/sweep.py configs/sweeps/eye_lr_width_tpe.py \
    --data my_eyes.parquet --workers 2
Result: best of 24 trials F1 0.888 on val (n=1, chosen there); over 5 other seeds 0.867
        +- 0.021, base config 0.863 +- 0.019: no difference shown; MRL eyes, 2026-11-21
"""

base = '../ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
fixed = {'train_cfg.max_epochs': 3}
space = {
    'optim_wrapper.optimizer.lr': dict(type='float', low=1e-3, high=5e-2, log=True),
    'model.backbone.base_channels': [8, 12, 16],
    'model.head.dropout': dict(type='float', low=0.0, high=0.6, step=0.1),
}
sampler = 'tpe'
metric = 'eye/f1'
# epochs count from 1: none is given up in the first
pruner = dict(type='median', n_startup_trials=5, n_warmup_steps=2)
num_trials = 24
seed = 0
