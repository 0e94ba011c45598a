"""mmpretrain's MobileNetV3-Small; its stem keeps the resolution (928,737 parameters).

Train:  python tools/train.py \
    configs/ocec/ocec-mobilenetv3-small_1xb256-20e_eye-32x64.py \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/eye.py',
    '../_base_/schedules/adamw_cosine_20e.py',
    '../_base_/default_runtime.py',
]

# stride 16 in all, so that 32x64 pixels become 2x4 cells
model = dict(
    backbone=dict(
        _delete_=True,
        type='ZooBackbone',
        backbone=dict(type='mmpretrain.MobileNetV3', arch='small'),
        stem_stride=1,
    )
)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
