"""Every weight, held near its start, for a few hundred crops (11,457 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-l2sp_1xb64-20e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.990 +/- 0.003 on the new camera,
        0.810 +/- 0.012 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = './ocec-baseline-smalldata_1xb64-20e_eye-32x64.py'

# the pull takes the place of the weight decay; a step is forgotten over 1 / (lr alpha)
optim_wrapper = dict(optimizer=dict(weight_decay=0))
custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(type='L2SPHook', alpha=1.0, beta=0.1),
]
