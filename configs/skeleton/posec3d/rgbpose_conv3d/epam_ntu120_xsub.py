"""EPAM-Net on NTU RGB+D 120, cross-subject, guide's settings (2,577,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu120_xsub.py 2
Result: not measured
"""

_base_ = [
    '../../../_base_/models/epam_net.py',
    '../../../_base_/datasets/ntu120_rgbpose.py',
    '../../../_base_/schedules/sgd_cosine_50e.py',
    '../../../_base_/action_runtime.py',
]

model = dict(head=dict(num_classes=120))
randomness = dict(seed=100)
