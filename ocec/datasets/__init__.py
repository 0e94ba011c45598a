from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.eye_stream import EyeParquetStream
from ocec.datasets.mixed_eyes import MixedEyes
from ocec.datasets.pair_npz import PairNpz
from ocec.datasets.pair_stream import PairStream
from ocec.datasets.rgb_pose import RGBPose
from ocec.datasets.samplers import DefaultSampler, SourceSampler, WeightedSampler
from ocec.datasets.shard_sampler import ShardBatchSampler, ShardSampler

__all__ = [
    'DefaultSampler',
    'EyeParquet',
    'EyeParquetStream',
    'MixedEyes',
    'PairNpz',
    'PairStream',
    'RGBPose',
    'ShardBatchSampler',
    'ShardSampler',
    'SourceSampler',
    'WeightedSampler',
    'batch_collate',
]
