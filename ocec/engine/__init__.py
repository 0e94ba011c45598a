from ocec.engine.hooks import (
    AdviceHook,
    CheckpointHook,
    EarlyStoppingHook,
    EMAHook,
    FreezeHook,
    GradHistogramHook,
    HParamsHook,
    L2SPHook,
    LoggerHook,
    MarginWarmupHook,
    ProvenanceHook,
    RuntimeInfoHook,
    SyncBuffersHook,
    ThresholdHook,
    VerdictHook,
)
from ocec.engine.optim import AmpOptimWrapper, LayerWiseLR, OptimWrapper
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
    'FreezeHook',
    'GradHistogramHook',
    'LayerWiseLR',
    'L2SPHook',
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
