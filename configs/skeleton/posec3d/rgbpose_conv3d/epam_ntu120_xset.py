"""EPAM-Net on NTU RGB+D 120, cross-setup, guide's settings (2,577,717 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu120_xset.py 2
Result: not measured
"""

_base_ = 'epam_ntu120_xsub.py'

train_dataloader = dict(dataset=dict(split='xset_train'))
val_dataloader = dict(dataset=dict(split='xset_val'))
test_dataloader = dict(dataset=dict(split='xset_val'))
