from ocec.models.backbones.compare_tower import CompareTower
from ocec.models.backbones.ocec_baseline import OCECBaseline
from ocec.models.backbones.ocec_convnext import OCECConvNeXt
from ocec.models.backbones.ocec_inverted_se import OCECInvertedSE
from ocec.models.backbones.pair_fpn import PairFPN
from ocec.models.backbones.pair_resnet import PairResNet
from ocec.models.backbones.zoo_backbone import ZooBackbone

__all__ = [
    'CompareTower',
    'OCECBaseline',
    'OCECConvNeXt',
    'OCECInvertedSE',
    'PairFPN',
    'PairResNet',
    'ZooBackbone',
]
