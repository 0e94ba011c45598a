from ocec.models.heads.auto_head import build_auto_head
from ocec.models.heads.avg_head import AvgHead
from ocec.models.heads.avgmax_mlp_head import AvgMaxMLPHead
from ocec.models.heads.mlp_mixer_head import MLPMixerHead
from ocec.models.heads.transformer_head import TransformerHead

__all__ = [
    'AvgHead',
    'AvgMaxMLPHead',
    'MLPMixerHead',
    'TransformerHead',
    'build_auto_head',
]
