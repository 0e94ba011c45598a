from ocec.structures.batch import BatchScores, BatchTargets

__all__ = ['BatchScores', 'BatchTargets']
