from ocec.datasets.samplers.default_sampler import DefaultSampler
from ocec.datasets.samplers.weighted_sampler import WeightedSampler

__all__ = ['DefaultSampler', 'WeightedSampler']
