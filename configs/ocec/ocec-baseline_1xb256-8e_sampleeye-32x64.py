"""OCEC baseline (32 channels, 4 blocks; 11,457 parameters) on generated eyes.

Data:   python tools/dataset_converters/make_sample_eyes.py
Train:  python tools/train.py configs/ocec/ocec-baseline_1xb256-8e_sampleeye-32x64.py
Result: test F1 0.959 (n=1) on 96 generated subjects, visible light, two cores of an
        AMD EPYC, 2026-11-21
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/sample_eye.py',
    '../_base_/schedules/adamw_cosine_20e.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=8)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
