from ocec.models.backbones.ocec_baseline import OCECBaseline
from ocec.models.backbones.ocec_convnext import OCECConvNeXt
from ocec.models.backbones.ocec_inverted_se import OCECInvertedSE
from ocec.models.backbones.zoo_backbone import ZooBackbone

__all__ = ['OCECBaseline', 'OCECConvNeXt', 'OCECInvertedSE', 'ZooBackbone']
