"""The few hundred crops of the new camera alone: what fine-tuning must beat.

11,457 parameters.

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-smalldata-scratch_1xb64-200e_eye-32x64.py \
    --data new_eyes.parquet
Result: val F1 0.987 +/- 0.005 on the new camera;
        n=3 seeds, 1,089 web crops after MRL eyes, one thread, 2026-11-21:
        docs/finetuning.md
"""

_base_ = './ocec-baseline-smalldata_1xb64-20e_eye-32x64.py'

load_from = None
train_cfg = dict(max_epochs=200)
