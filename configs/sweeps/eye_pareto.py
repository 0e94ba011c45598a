"""F1 against parameters and latency: the front, not one best trial.

Sweep:  python tools/sweep.py configs/sweeps/eye_pareto.py --data my_eyes.parquet
Result: not measured
"""

base = '../ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
fixed = {'train_cfg.max_epochs': 3}
space = {
    'model.backbone.base_channels': [4, 8, 12, 16],
    'model.backbone.num_blocks': dict(type='int', low=1, high=4),
    'optim_wrapper.optimizer.lr': dict(type='float', low=2e-3, high=3e-2, log=True),
}
sampler = 'tpe'
objectives = [
    dict(metric='eye/f1', direction='maximize'),
    dict(metric='params', direction='minimize'),
    dict(metric='latency_ms', direction='minimize'),
]
num_trials = 24
seed = 0
