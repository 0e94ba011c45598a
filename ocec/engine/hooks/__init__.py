from ocec.engine.hooks.checkpoint_hook import CheckpointHook
from ocec.engine.hooks.early_stopping_hook import EarlyStoppingHook
from ocec.engine.hooks.ema_hook import EMAHook
from ocec.engine.hooks.grad_histogram_hook import GradHistogramHook
from ocec.engine.hooks.logger_hook import LoggerHook
from ocec.engine.hooks.margin_warmup_hook import MarginWarmupHook
from ocec.engine.hooks.provenance_hook import ProvenanceHook
from ocec.engine.hooks.runtime_info_hook import RuntimeInfoHook
from ocec.engine.hooks.sync_buffers_hook import SyncBuffersHook

__all__ = [
    'CheckpointHook',
    'EMAHook',
    'EarlyStoppingHook',
    'GradHistogramHook',
    'LoggerHook',
    'MarginWarmupHook',
    'ProvenanceHook',
    'RuntimeInfoHook',
    'SyncBuffersHook',
]
