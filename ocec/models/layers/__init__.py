from ocec.models.layers.separable_conv import SeparableConv

__all__ = ['SeparableConv']
