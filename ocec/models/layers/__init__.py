from ocec.models.layers.block_checkpoint import checkpoint_block
from ocec.models.layers.cbam import CBAM
from ocec.models.layers.channel_layer_norm import ChannelLayerNorm
from ocec.models.layers.convnext_block import ConvNeXtBlock
from ocec.models.layers.dense_stack import DenseStack
from ocec.models.layers.depthwise_conv import DepthwiseConv2d
from ocec.models.layers.feature_attention import FeatureAttention
from ocec.models.layers.inverted_residual import InvertedResidual
from ocec.models.layers.residual_block import BasicBlock, Bottleneck
from ocec.models.layers.resnet_stages import ResNetStages
from ocec.models.layers.separable_conv import SeparableConv
from ocec.models.layers.squeeze_excite import SqueezeExcite

__all__ = [
    'BasicBlock',
    'Bottleneck',
    'CBAM',
    'ChannelLayerNorm',
    'ConvNeXtBlock',
    'DenseStack',
    'DepthwiseConv2d',
    'FeatureAttention',
    'InvertedResidual',
    'ResNetStages',
    'SeparableConv',
    'SqueezeExcite',
    'checkpoint_block',
]
