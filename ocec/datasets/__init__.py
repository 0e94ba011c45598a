from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.samplers import DefaultSampler, WeightedSampler

__all__ = ['DefaultSampler', 'EyeParquet', 'WeightedSampler', 'batch_collate']
