_base_ = 'epam_net.py'

model = dict(
    data_preprocessor=dict(with_kp=False),
    backbone=dict(pose_path=None, attention=None),
)
