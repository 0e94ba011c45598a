"""OCEC baseline (11,457 parameters) on eye crops that no cache can hold.

Train:  python tools/train.py \
    configs/ocec/ocec-baseline-stream_1xb256-20e_eye-32x64.py \
    --data folder_of_parquet_files
Result: not measured; the speed of reading is in docs/scaling.md
"""

_base_ = [
    '../_base_/models/ocec_baseline.py',
    '../_base_/datasets/eye_stream.py',
    '../_base_/schedules/adamw_cosine_20e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(dropout=0.5))
custom_hooks = [dict(type='EMAHook', ema_type='RampedEMA', decay=0.999)]
