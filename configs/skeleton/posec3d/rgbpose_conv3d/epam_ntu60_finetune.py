"""Streams trained alone, then 10 epochs together (2,538,717 parameters).

Train:  python tools/model_converters/merge_streams.py RGB_CHECKPOINT POSE_CHECKPOINT \
    --out work_dirs/epam_ntu60_streams.pth
    bash tools/dist_train.sh \
    configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_finetune.py 2 \
    --pretrain work_dirs/epam_ntu60_streams.pth
Result: not measured
"""

_base_ = 'epam_ntu60_optimized.py'

param_scheduler = dict(
    _delete_=True,
    type='CosineAnnealingLR',
    eta_min=0,
    by_epoch=True,
    convert_to_iter_based=True,
)
train_cfg = dict(max_epochs=10)
# the rate of 0.0015 is meant for 2 x 12
train_dataloader = dict(batch_size=12)
auto_scale_lr = dict(base_batch_size=24)
