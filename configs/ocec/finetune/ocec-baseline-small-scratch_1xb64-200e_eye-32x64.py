"""The few hundred crops of the new camera alone: what fine-tuning must beat.

11,457 parameters.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-small-scratch_1xb64-200e_eye-32x64.py \
    --data new_eyes.parquet
Result: not measured
"""

_base_ = './ocec-baseline-small_1xb64-20e_eye-32x64.py'

load_from = None
train_cfg = dict(max_epochs=200)
