"""Both cameras first, then more and more of the new one (11,457 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-mixed-to-new_1xb64-20e_eye-32x64.py \
    --data home=home_eyes.parquet,new=new_eyes.parquet \
    --pretrain work_dirs/home
Result: val F1 0.986 +/- 0.004 on the new camera,
        0.937 +/- 0.002 at home (0.942 before);
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = './ocec-baseline-smalldata-mixed_1xb64-20e_eye-32x64.py'

train_dataloader = dict(
    sampler=dict(
        schedule=[
            dict(begin=7, shares=dict(home=0.25, new=0.75)),
            dict(begin=14, shares=dict(home=0.1, new=0.9)),
        ]
    )
)
