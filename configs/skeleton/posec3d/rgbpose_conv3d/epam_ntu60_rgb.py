"""RGB stream of EPAM-Net alone (2,006,010 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_rgb.py 2
Result: not measured
"""

_base_ = [
    '../../../_base_/models/epam_rgb.py',
    '../../../_base_/datasets/ntu60_rgbpose.py',
    '../../../_base_/schedules/sgd_cosine_50e.py',
    '../../../_base_/action_runtime.py',
]

# from the beginning: as PYSKL trains networks of this kind, 0.4 for a batch of 256
optim_wrapper = dict(optimizer=dict(lr=0.025))
