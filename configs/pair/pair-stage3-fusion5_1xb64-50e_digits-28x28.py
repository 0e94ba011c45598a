"""Stage 3.3: the net of stage 2.2 with several seeds (3,204,618 parameters).

Seeds 42, 123 and 456, each with a work_dir of its own.

Train:  python tools/train.py \
    configs/pair/pair-stage3-fusion5_1xb64-50e_digits-28x28.py \
    --data data/digit_pairs \
    --seed 123 --work-dir work_dirs/stage3-fusion5-s123
Result: not measured
"""

_base_ = './pair-stage2-resnet222-fusion5_1xb64-80e_digits-28x28.py'

train_cfg = dict(max_epochs=50)
