from ocec.models.classifiers.image_classifier import ImageClassifier
from ocec.models.classifiers.pair_classifier import PairClassifier
from ocec.models.classifiers.pair_distillation import PairDistillation

__all__ = ['ImageClassifier', 'PairClassifier', 'PairDistillation']
