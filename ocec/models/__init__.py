from ocec.models.backbones import (
    CompareTower,
    OCECBaseline,
    OCECConvNeXt,
    OCECInvertedSE,
    PairFPN,
    PairResNet,
    ZooBackbone,
)
from ocec.models.classifiers import (
    Distillation,
    ImageClassifier,
    PairClassifier,
    PairDistillation,
)
from ocec.models.data_preprocessors import ImagePreprocessor, PairPreprocessor
from ocec.models.heads import (
    AntisymmetricPairHead,
    AvgHead,
    AvgMaxMLPHead,
    ConcatPairHead,
    FusionPairHead,
    MLPMixerHead,
    OrderPairHead,
    TransformerHead,
)
from ocec.models.layers.margin import ArcFace, CosFace
from ocec.models.losses import (
    BCELoss,
    FocalLabelSmoothCE,
    FocalLoss,
    LabelSmoothLoss,
    SmoothFocalLoss,
)

__all__ = [
    'AntisymmetricPairHead',
    'ArcFace',
    'AvgHead',
    'AvgMaxMLPHead',
    'BCELoss',
    'CompareTower',
    'ConcatPairHead',
    'CosFace',
    'FocalLabelSmoothCE',
    'FocalLoss',
    'FusionPairHead',
    'ImageClassifier',
    'ImagePreprocessor',
    'LabelSmoothLoss',
    'MLPMixerHead',
    'OCECBaseline',
    'OCECConvNeXt',
    'OCECInvertedSE',
    'OrderPairHead',
    'PairClassifier',
    'PairDistillation',
    'Distillation',
    'PairFPN',
    'PairPreprocessor',
    'PairResNet',
    'SmoothFocalLoss',
    'TransformerHead',
    'ZooBackbone',
]
