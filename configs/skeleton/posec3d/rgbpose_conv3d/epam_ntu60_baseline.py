"""EPAM-Net on NTU RGB+D 60, settings of the guide before tuning (2,538,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_baseline.py 2 \
    --work-dir work_dirs/baseline
Result: not measured
"""

_base_ = [
    '../../../_base_/models/epam_net.py',
    '../../../_base_/datasets/ntu60_rgbpose.py',
    '../../../_base_/schedules/sgd_multistep_50e.py',
    '../../../_base_/action_runtime.py',
]

randomness = dict(seed=None)
