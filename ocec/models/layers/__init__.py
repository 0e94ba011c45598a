from ocec.models.layers.depthwise_conv import DepthwiseConv2d
from ocec.models.layers.separable_conv import SeparableConv

__all__ = ['DepthwiseConv2d', 'SeparableConv']
