"""What is the recipe worth on other people? Five folds of whole groups.

Sweep:  python tools/sweep.py configs/sweeps/eye_folds.py --data my_eyes.parquet
Result: not measured
"""

base = '../ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
fixed = {'train_cfg.max_epochs': 3, 'model.backbone.base_channels': 16}
folds = 5
seed = 0
metric = 'eye/f1'
