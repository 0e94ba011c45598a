"""The guide's remedy when it still does not work: lr 1e-5 (11,520 parameters).

Train:  python tools/train.py \
    configs/ocec/finetune/ocec-baseline-cosface-lr1e-5_1xb1024-200e_eye-32x64.py \
    --data new_eyes.parquet \
    --pretrain work_dirs/home
Result: not measured
"""

_base_ = './ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'

optim_wrapper = dict(optimizer=dict(lr=1e-5))
