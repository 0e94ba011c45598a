"""Tuned settings of the guide, colours drawn (2,538,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_optimized_colorjitter.py 2
Result: not measured
"""

_base_ = 'epam_ntu60_optimized.py'

# saturation and hue are not named and do not change
model = dict(data_preprocessor=dict(color_jitter=dict(brightness=0.2, contrast=0.2)))
