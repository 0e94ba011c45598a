from ocec.engine.optim.optim_wrapper import AmpOptimWrapper, OptimWrapper

__all__ = ['AmpOptimWrapper', 'OptimWrapper']
