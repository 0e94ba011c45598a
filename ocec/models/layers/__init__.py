from ocec.models.layers.block_checkpoint import checkpoint_block
from ocec.models.layers.cbam import CBAM
from ocec.models.layers.channel_layer_norm import ChannelLayerNorm
from ocec.models.layers.clip_resnet import ClipBottleneck, ClipResNet
from ocec.models.layers.clip_squeeze_excite import ClipSqueezeExcite
from ocec.models.layers.convnext_block import ConvNeXtBlock
from ocec.models.layers.dense_stack import DenseStack
from ocec.models.layers.depthwise_conv import DepthwiseConv2d
from ocec.models.layers.feature_attention import FeatureAttention
from ocec.models.layers.inverted_residual import InvertedResidual
from ocec.models.layers.pose_attention import PoseAttention
from ocec.models.layers.residual_block import BasicBlock, Bottleneck
from ocec.models.layers.resnet_stages import ResNetStages
from ocec.models.layers.separable_conv import SeparableConv
from ocec.models.layers.squeeze_excite import SqueezeExcite
from ocec.models.layers.temporal_conv import TemporalConv2d, TemporalDeconv2d
from ocec.models.layers.xshift_block import XShiftBlock

__all__ = [
    'BasicBlock',
    'Bottleneck',
    'CBAM',
    'ChannelLayerNorm',
    'ClipBottleneck',
    'ClipResNet',
    'ClipSqueezeExcite',
    'ConvNeXtBlock',
    'DenseStack',
    'DepthwiseConv2d',
    'FeatureAttention',
    'InvertedResidual',
    'PoseAttention',
    'ResNetStages',
    'SeparableConv',
    'SqueezeExcite',
    'TemporalConv2d',
    'TemporalDeconv2d',
    'XShiftBlock',
    'checkpoint_block',
]
