from ocec.evaluation.metrics.action_metric import ActionMetric
from ocec.evaluation.metrics.binary_metric import BinaryMetric
from ocec.evaluation.metrics.source_metric import SourceMetric

__all__ = ['ActionMetric', 'BinaryMetric', 'SourceMetric']
