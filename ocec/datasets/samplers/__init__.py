from ocec.datasets.samplers.weighted_sampler import WeightedSampler

__all__ = ['WeightedSampler']
