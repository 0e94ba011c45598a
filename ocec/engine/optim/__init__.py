from ocec.engine.optim.layer_wise_lr import LayerWiseLR
from ocec.engine.optim.optim_wrapper import AmpOptimWrapper, OptimWrapper

__all__ = ['AmpOptimWrapper', 'LayerWiseLR', 'OptimWrapper']
