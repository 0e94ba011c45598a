from ocec.engine.hooks import (
    CheckpointHook,
    EarlyStoppingHook,
    EMAHook,
    GradHistogramHook,
    LoggerHook,
    MarginWarmupHook,
    ProvenanceHook,
    RuntimeInfoHook,
    SyncBuffersHook,
)
from ocec.engine.optim import AmpOptimWrapper, OptimWrapper
from ocec.engine.ramped_ema import RampedEMA
from ocec.engine.runner import Runner
from ocec.engine.schedulers import CyclicLR, OneCycleLR, ReduceOnPlateauLR

__all__ = [
    'AmpOptimWrapper',
    'CheckpointHook',
    'CyclicLR',
    'EMAHook',
    'EarlyStoppingHook',
    'GradHistogramHook',
    'LoggerHook',
    'MarginWarmupHook',
    'OneCycleLR',
    'OptimWrapper',
    'ProvenanceHook',
    'RampedEMA',
    'ReduceOnPlateauLR',
    'Runner',
    'RuntimeInfoHook',
    'SyncBuffersHook',
]
