"""Is more dropout better? Two configs over the same five seeds, compared in pairs.

Sweep:  python tools/sweep.py configs/sweeps/eye_seeds_compare.py \
    --data my_eyes.parquet
Result: not measured
"""

base = '../ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
fixed = {'train_cfg.max_epochs': 3, 'model.backbone.base_channels': 16}
variants = dict(
    dropout03={'model.head.dropout': 0.3},
    dropout05={'model.head.dropout': 0.5},
)
seeds = [1, 2, 3, 4, 5]
metric = 'eye/f1'
