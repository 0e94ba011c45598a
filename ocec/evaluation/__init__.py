from ocec.evaluation.metrics import ActionMetric, BinaryMetric, SourceMetric

__all__ = ['ActionMetric', 'BinaryMetric', 'SourceMetric']
