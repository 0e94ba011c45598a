from ocec.engine.schedulers.cyclic_lr import CyclicLR
from ocec.engine.schedulers.one_cycle_lr import OneCycleLR
from ocec.engine.schedulers.reduce_on_plateau_lr import ReduceOnPlateauLR

__all__ = ['CyclicLR', 'OneCycleLR', 'ReduceOnPlateauLR']
