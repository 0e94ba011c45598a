"""ResNet [3, 3, 3] with the order head, new pairs every epoch (4,470,007 parameters).

For a GPU.

Train:  python tools/train.py \
    configs/pair/pair-order-stream_1xb256-100e_digits-28x28.py \
    --data data/digit_pairs
Result: not measured
"""

_base_ = [
    '../_base_/models/pair_resnet.py',
    '../_base_/datasets/digit_pairs_stream.py',
    '../_base_/schedules/pair_cosine_20e.py',
    '../_base_/pair_runtime.py',
]

model = dict(
    backbone=dict(layers=(3, 3, 3), dropout=(0.1, 0.1)),
    head=dict(_delete_=True, type='OrderPairHead', digit_loss_weight=1.0),
)
train_dataloader = dict(batch_size=256)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_epochs=100)
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
