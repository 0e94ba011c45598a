from ocec.evaluation.metrics.binary_metric import BinaryMetric

__all__ = ['BinaryMetric']
