from ocec.evaluation.metrics import BinaryMetric, SourceMetric

__all__ = ['BinaryMetric', 'SourceMetric']
