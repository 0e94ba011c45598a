from ocec.models.heads.auto_head import build_auto_head
from ocec.models.heads.avg_head import AvgHead
from ocec.models.heads.avgmax_mlp_head import AvgMaxMLPHead
from ocec.models.heads.mlp_mixer_head import MLPMixerHead
from ocec.models.heads.pair_antisymmetric_head import AntisymmetricPairHead
from ocec.models.heads.pair_concat_head import ConcatPairHead
from ocec.models.heads.pair_fusion_head import FusionPairHead
from ocec.models.heads.pair_order_head import OrderPairHead
from ocec.models.heads.transformer_head import TransformerHead
from ocec.models.heads.two_stream_head import TwoStreamHead

__all__ = [
    'AntisymmetricPairHead',
    'AvgHead',
    'AvgMaxMLPHead',
    'ConcatPairHead',
    'FusionPairHead',
    'MLPMixerHead',
    'OrderPairHead',
    'TransformerHead',
    'TwoStreamHead',
    'build_auto_head',
]
