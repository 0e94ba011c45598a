"""The first values of the weights of OCEC's backbones."""

from torch import nn


def init_ocec_weights(module: nn.Module) -> None:
    """Set the first values of all layers below a module.

    Convolutions: Kaiming-normal (fan out, gain of a ReLU). Linear layers:
    Xavier-uniform. Their biases: 0. Batch norms start as identity. Everything else
    (layer norms, layer scales) stays as it was constructed.

    Args:
        module: a backbone; changed in place.

    Source:
        OCEC (github.com/PINTO0309/OCEC); He et al., ICCV 2015, arXiv:1502.01852;
        Glorot and Bengio, AISTATS 2010, Eq. 16.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out', nonlinearity='relu')
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
