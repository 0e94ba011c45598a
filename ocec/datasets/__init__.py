from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.samplers import WeightedSampler

__all__ = ['EyeParquet', 'WeightedSampler', 'batch_collate']
