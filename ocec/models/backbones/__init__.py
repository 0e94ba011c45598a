from ocec.models.backbones.compare_tower import CompareTower
from ocec.models.backbones.epam_net import EPAMNet
from ocec.models.backbones.ocec_baseline import OCECBaseline
from ocec.models.backbones.ocec_convnext import OCECConvNeXt
from ocec.models.backbones.ocec_inverted_se import OCECInvertedSE
from ocec.models.backbones.pair_fpn import PairFPN
from ocec.models.backbones.pair_resnet import PairResNet
from ocec.models.backbones.rgbpose_conv3d import RGBPoseConv3D
from ocec.models.backbones.xshift_net import XShiftNet
from ocec.models.backbones.zoo_backbone import ZooBackbone

__all__ = [
    'CompareTower',
    'EPAMNet',
    'OCECBaseline',
    'OCECConvNeXt',
    'OCECInvertedSE',
    'PairFPN',
    'PairResNet',
    'RGBPoseConv3D',
    'XShiftNet',
    'ZooBackbone',
]
