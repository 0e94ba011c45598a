"""Tuned settings of the guide, warm-up of 5 epochs (2,538,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_optimized_warmup5-cosine45.py 2
Result: not measured
"""

_base_ = 'epam_ntu60_optimized.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=5),
    dict(
        type='CosineAnnealingLR',
        T_max=45,
        eta_min=1e-6,
        by_epoch=True,
        begin=5,
        end=50,
    ),
]
