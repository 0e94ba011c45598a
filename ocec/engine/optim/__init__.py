from ocec.engine.optim.layer_wise_lr import LayerWiseLR
from ocec.engine.optim.optim_wrapper import AmpOptimWrapper, OptimWrapper
from ocec.engine.optim.zero_optimizer import ZeroRedundancyOptimizer

__all__ = ['AmpOptimWrapper', 'LayerWiseLR', 'OptimWrapper', 'ZeroRedundancyOptimizer']
