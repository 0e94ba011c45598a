"""Stage 3.1: the net of stage 2.1 with several seeds (4,749,830 parameters).

Seeds 42, 2023, 2024 and 2025, each with a work_dir of its own.

Train:  python tools/train.py \
    configs/pair/pair-stage3-resnet333_1xb64-50e_digits-28x28.py \
    --data data/digit_pairs \
    --seed 2023 --work-dir work_dirs/stage3-resnet333-s2023
Result: not measured
"""

_base_ = './pair-stage2-resnet333_1xb64-100e_digits-28x28.py'

train_cfg = dict(max_epochs=50)
