from ocec.models.backbones import OCECBaseline
from ocec.models.classifiers import ImageClassifier
from ocec.models.data_preprocessors import ImagePreprocessor
from ocec.models.heads import AvgHead
from ocec.models.losses import BCELoss

__all__ = ['AvgHead', 'BCELoss', 'ImageClassifier', 'ImagePreprocessor', 'OCECBaseline']
