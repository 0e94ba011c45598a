from ocec.datasets.samplers.default_sampler import DefaultSampler
from ocec.datasets.samplers.source_sampler import SourceSampler
from ocec.datasets.samplers.weighted_sampler import WeightedSampler

__all__ = ['DefaultSampler', 'SourceSampler', 'WeightedSampler']
