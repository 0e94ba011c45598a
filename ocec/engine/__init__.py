from ocec.engine.hooks import (
    AdviceHook,
    CheckpointHook,
    EarlyStoppingHook,
    EMAHook,
    GradHistogramHook,
    HParamsHook,
    LoggerHook,
    MarginWarmupHook,
    ProvenanceHook,
    RuntimeInfoHook,
    SyncBuffersHook,
    ThresholdHook,
    VerdictHook,
)
from ocec.engine.optim import AmpOptimWrapper, OptimWrapper
from ocec.engine.ramped_ema import RampedEMA
from ocec.engine.runner import Runner
from ocec.engine.schedulers import CyclicLR, OneCycleLR, ReduceOnPlateauLR

__all__ = [
    'AdviceHook',
    'HParamsHook',
    'ThresholdHook',
    'VerdictHook',
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
