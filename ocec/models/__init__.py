from ocec.models.backbones import (
    OCECBaseline,
    OCECConvNeXt,
    OCECInvertedSE,
    ZooBackbone,
)
from ocec.models.classifiers import ImageClassifier
from ocec.models.data_preprocessors import ImagePreprocessor
from ocec.models.heads import AvgHead, AvgMaxMLPHead, MLPMixerHead, TransformerHead
from ocec.models.layers.margin import ArcFace, CosFace
from ocec.models.losses import (
    BCELoss,
    FocalLabelSmoothCE,
    FocalLoss,
    LabelSmoothLoss,
)

__all__ = [
    'ArcFace',
    'AvgHead',
    'AvgMaxMLPHead',
    'BCELoss',
    'CosFace',
    'FocalLabelSmoothCE',
    'FocalLoss',
    'ImageClassifier',
    'ImagePreprocessor',
    'LabelSmoothLoss',
    'MLPMixerHead',
    'OCECBaseline',
    'OCECConvNeXt',
    'OCECInvertedSE',
    'TransformerHead',
    'ZooBackbone',
]
