"""Tuned settings of the guide, 80 epochs (2,538,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_optimized_80e.py 2
Result: not measured
"""

_base_ = 'epam_ntu60_optimized.py'

train_cfg = dict(max_epochs=80)
