"""RGBPoseConv3D, the network that EPAM-Net compares with (36,147,928 parameters).

Train:  bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/rgbpose_conv3d_ntu60.py 2 \
    --auto-scale-lr
Result: not measured
"""

_base_ = [
    '../../../_base_/models/rgbpose_conv3d.py',
    '../../../_base_/datasets/ntu60_rgbpose.py',
    '../../../_base_/schedules/sgd_multistep_50e.py',
    '../../../_base_/action_runtime.py',
]

# 8 and 32 frames of 256 pixels, of which 224 are cut out in training
train_dataloader = dict(
    batch_size=6,
    dataset=dict(
        num_pose_frames=32,
        num_rgb_frames=8,
        frame_size=(256, 256),
        box=dict(beyond_frame=True),
    ),
)
val_dataloader = dict(
    dataset=dict(
        num_pose_frames=32,
        num_rgb_frames=8,
        frame_size=(256, 256),
        box=dict(beyond_frame=True),
    )
)
test_dataloader = dict(
    dataset=dict(
        num_pose_frames=32,
        num_rgb_frames=8,
        frame_size=(256, 256),
        num_clips=10,
        box=dict(beyond_frame=True),
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.0075))
param_scheduler = dict(milestones=[12, 16])
train_cfg = dict(max_epochs=20)
# 8 GPUs x 6
auto_scale_lr = dict(base_batch_size=48)
