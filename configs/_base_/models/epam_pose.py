_base_ = 'epam_net.py'

model = dict(
    # an area of 0.56 to 1 of the person's box, as the stream was trained alone
    data_preprocessor=dict(random_crop=dict(area_range=(0.56, 1.0))),
    backbone=dict(rgb_path=None, attention=None),
)
