from ocec.engine.hooks.advice_hook import AdviceHook
from ocec.engine.hooks.checkpoint_hook import CheckpointHook
from ocec.engine.hooks.early_stopping_hook import EarlyStoppingHook
from ocec.engine.hooks.ema_hook import EMAHook
from ocec.engine.hooks.freeze_hook import FreezeHook
from ocec.engine.hooks.grad_histogram_hook import GradHistogramHook
from ocec.engine.hooks.gradient_compression_hook import GradientCompressionHook
from ocec.engine.hooks.hparams_hook import HParamsHook
from ocec.engine.hooks.l2_sp_hook import L2SPHook
from ocec.engine.hooks.logger_hook import LoggerHook
from ocec.engine.hooks.margin_warmup_hook import MarginWarmupHook
from ocec.engine.hooks.non_finite_hook import NonFiniteHook
from ocec.engine.hooks.provenance_hook import ProvenanceHook
from ocec.engine.hooks.runtime_info_hook import RuntimeInfoHook
from ocec.engine.hooks.sync_buffers_hook import SyncBuffersHook
from ocec.engine.hooks.threshold_hook import ThresholdHook
from ocec.engine.hooks.verdict_hook import VerdictHook
from ocec.engine.hooks.watchdog_hook import WatchdogHook

__all__ = [
    'VerdictHook',
    'ThresholdHook',
    'HParamsHook',
    'AdviceHook',
    'CheckpointHook',
    'EMAHook',
    'EarlyStoppingHook',
    'FreezeHook',
    'GradHistogramHook',
    'GradientCompressionHook',
    'L2SPHook',
    'LoggerHook',
    'MarginWarmupHook',
    'NonFiniteHook',
    'ProvenanceHook',
    'RuntimeInfoHook',
    'SyncBuffersHook',
    'WatchdogHook',
]
