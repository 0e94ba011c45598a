from ocec.structures.action import ActionScores, ActionTargets
from ocec.structures.batch import BatchScores, BatchTargets, PairTargets

__all__ = [
    'ActionScores',
    'ActionTargets',
    'BatchScores',
    'BatchTargets',
    'PairTargets',
]
