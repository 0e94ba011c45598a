"""Half the width of the small order net, which teaches it (201,895 parameters).

More teachers in the list teach by the mean of their probabilities.

Train:  python tools/train.py \
    configs/pair/pair-tiny-distilled_1xb256-20e_digits-28x28.py \
    --data data/digit_pairs \
    --cfg-options model.distillation.teachers.0.checkpoint=best_of_the_teacher.pth
Result: not measured
"""

_base_ = './pair-small-order_1xb256-20e_digits-28x28.py'

model = dict(
    backbone=dict(width_mult=0.25),
    distillation=dict(
        type='PairDistillation',
        teachers=[
            dict(
                config='configs/pair/pair-small-order_1xb256-20e_digits-28x28.py',
                checkpoint='work_dirs/teacher.pth',
            )
        ],
        temperature=3.0,
        weight=0.7,
    ),
)
