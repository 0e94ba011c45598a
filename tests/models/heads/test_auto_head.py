import pytest

from ocec.models.classifiers import ImageClassifier
from ocec.models.heads import AvgHead, AvgMaxMLPHead, TransformerHead, build_auto_head
from ocec.registry import MODELS


@pytest.mark.parametrize(
    ('backbone', 'head_class'),
    [
        ('OCECBaseline', AvgHead),
        ('OCECInvertedSE', AvgMaxMLPHead),
        ('OCECConvNeXt', TransformerHead),
    ],
)
def test_each_backbone_gets_its_own(backbone, head_class):
    model = ImageClassifier(
        {'type': backbone, 'base_channels': 8},
        {'type': 'AutoHead', 'dropout': 0.1, 'num_classes': 2},
        input_size=(32, 64),
    )
    assert type(model.head) is head_class
    assert model.head.num_logits == 2


def test_settings_of_tokens_reach_a_head_with_tokens():
    config = {'type': 'AutoHead', 'default_head': 'TransformerHead', 'num_layers': 1}
    head = MODELS.build(
        config | {'in_channels': 8, 'feature_size': (4, 8), 'token_grid': (1, 2)}
    )
    assert len(head.layers) == 1
    assert head.pool.grid == (1, 2)


def test_settings_of_tokens_are_refused_by_a_head_without():
    message = (
        'the head of this backbone is AvgHead, which has no tokens: leave out '
        'token_grid and num_layers, or set head.type'
    )
    with pytest.raises(ValueError, match=message):
        build_auto_head(8, token_grid=(2, 4), num_layers=2)
