"""The training guide's balanced recipe, which it recommends (547,713 parameters).

Train:  tools/dist_train.sh \
    configs/ocec/ocec-baseline-b64-n8-balanced_2xb4096-1000e_eye-32x64.py 2 \
    --data my_eyes.parquet
Result: not measured
"""

_base_ = './ocec-baseline-b64-n8_2xb4096-1000e_eye-32x64.py'

model = dict(
    head=dict(
        dropout=0.25,
        loss=dict(_delete_=True, type='FocalLabelSmoothCE', smoothing=0.05, gamma=2.0),
    )
)
optim_wrapper = dict(optimizer=dict(lr=2e-4, weight_decay=5e-4))
param_scheduler = dict(factor=0.7, patience=5)
