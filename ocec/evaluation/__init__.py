from ocec.evaluation.metrics import BinaryMetric

__all__ = ['BinaryMetric']
