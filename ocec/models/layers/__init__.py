from ocec.models.layers.block_checkpoint import checkpoint_block
from ocec.models.layers.channel_layer_norm import ChannelLayerNorm
from ocec.models.layers.convnext_block import ConvNeXtBlock
from ocec.models.layers.depthwise_conv import DepthwiseConv2d
from ocec.models.layers.inverted_residual import InvertedResidual
from ocec.models.layers.separable_conv import SeparableConv
from ocec.models.layers.squeeze_excite import SqueezeExcite

__all__ = [
    'ChannelLayerNorm',
    'ConvNeXtBlock',
    'DepthwiseConv2d',
    'InvertedResidual',
    'SeparableConv',
    'SqueezeExcite',
    'checkpoint_block',
]
