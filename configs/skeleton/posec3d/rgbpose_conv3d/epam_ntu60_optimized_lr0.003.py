"""Tuned settings of the guide, for one that underfits (2,538,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_optimized_lr0.003.py 2
Result: not measured
"""

_base_ = 'epam_ntu60_optimized.py'

optim_wrapper = dict(optimizer=dict(lr=0.003))
