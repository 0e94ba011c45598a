"""Every combination of three learning rates and two widths of the OCEC baseline.

Sweep:  python tools/sweep.py configs/sweeps/eye_grid.py --data my_eyes.parquet
Result: not measured
"""

base = '../ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
fixed = {'train_cfg.max_epochs': 3}
space = {
    'optim_wrapper.optimizer.lr': [2e-3, 8e-3, 3e-2],
    'model.backbone.base_channels': [8, 16],
}
sampler = 'grid'
metric = 'eye/f1'
