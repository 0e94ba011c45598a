from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.mixed_eyes import MixedEyes
from ocec.datasets.pair_npz import PairNpz
from ocec.datasets.pair_stream import PairStream
from ocec.datasets.rgb_pose import RGBPose
from ocec.datasets.samplers import DefaultSampler, SourceSampler, WeightedSampler

__all__ = [
    'DefaultSampler',
    'EyeParquet',
    'MixedEyes',
    'PairNpz',
    'PairStream',
    'RGBPose',
    'SourceSampler',
    'WeightedSampler',
    'batch_collate',
]
