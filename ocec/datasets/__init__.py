from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet

__all__ = ['EyeParquet', 'batch_collate']
