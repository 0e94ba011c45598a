from ocec.models.classifiers.action_recognizer import ActionRecognizer
from ocec.models.classifiers.distillation import Distillation
from ocec.models.classifiers.image_classifier import ImageClassifier
from ocec.models.classifiers.pair_classifier import PairClassifier
from ocec.models.classifiers.pair_distillation import PairDistillation

__all__ = [
    'ActionRecognizer',
    'Distillation',
    'ImageClassifier',
    'PairClassifier',
    'PairDistillation',
]
