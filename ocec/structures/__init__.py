from ocec.structures.batch import BatchScores, BatchTargets, PairTargets

__all__ = ['BatchScores', 'BatchTargets', 'PairTargets']
