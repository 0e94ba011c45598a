"""Head, last blocks, everything, for a few hundred crops of a new camera.

11,457 parameters.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-staged_1xb64-20e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.984 +/- 0.000 on the new camera,
        0.890 +/- 0.016 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = './ocec-baseline-smalldata_1xb64-20e_eye-32x64.py'

# each group falls to a share of its own rate
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        by_epoch=True,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=1e-3,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    constructor='LayerWiseLR',
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0),
)
custom_hooks = [
    dict(type='EMAHook', ema_type='RampedEMA', decay=0.999),
    dict(
        type='FreezeHook',
        freeze='backbone',
        unfreeze=[
            dict(stages='blocks[-2:]', epoch=5),
            dict(stages='all', epoch=10),
        ],
        warmup_epochs=1,
    ),
]
