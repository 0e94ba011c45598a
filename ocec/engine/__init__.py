from ocec.engine.hooks import (
    CheckpointHook,
    EarlyStoppingHook,
    EMAHook,
    GradHistogramHook,
    LoggerHook,
    ProvenanceHook,
    RuntimeInfoHook,
    SyncBuffersHook,
)
from ocec.engine.optim import AmpOptimWrapper, OptimWrapper
from ocec.engine.ramped_ema import RampedEMA
from ocec.engine.runner import Runner

__all__ = [
    'AmpOptimWrapper',
    'CheckpointHook',
    'EMAHook',
    'EarlyStoppingHook',
    'GradHistogramHook',
    'LoggerHook',
    'OptimWrapper',
    'ProvenanceHook',
    'RampedEMA',
    'Runner',
    'RuntimeInfoHook',
    'SyncBuffersHook',
]
