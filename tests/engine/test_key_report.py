import pytest
import torch

from ocec.engine.key_report import compare_keys, module_of

OWN = {
    'backbone.stem.0.weight': torch.zeros(6),
    'backbone.stem.1.bias': torch.zeros(2),
    'head.fc.weight': torch.zeros(2, 4),
    'head.fc.bias': torch.zeros(2),
    'data_preprocessor.mean': torch.zeros(3),
}
GIVEN = {
    'backbone.stem.0.weight': torch.ones(6),
    'head.fc.weight': torch.ones(1, 4),
    'head.fc.bias': torch.ones(2),
    'data_preprocessor.mean': torch.ones(3),
    'neck.weight': torch.ones(7),
}


def test_states_and_shares():
    report = compare_keys(OWN, GIVEN, left_out={'head.fc.bias'})
    assert report.state_of == {
        'backbone.stem.0.weight': 'loaded',
        'backbone.stem.1.bias': 'missing',
        'head.fc.weight': 'mismatched',
        'head.fc.bias': 'left_out',
        'data_preprocessor.mean': 'loaded',
        'neck.weight': 'unexpected',
    }
    assert report.names('missing', 'mismatched') == [
        'backbone.stem.1.bias',
        'head.fc.weight',
    ]
    assert report.share_loaded() == pytest.approx(9 / 21)  # of the model's own values
    rows = report.by_module()
    assert list(rows) == ['backbone.stem', 'head.fc', 'data_preprocessor', 'neck']
    assert rows['backbone.stem'] == dict(
        loaded=1, missing=1, mismatched=0, left_out=0, unexpected=0, share=6 / 8
    )
    assert rows['neck']['share'] == 0


def test_table():
    lines = str(compare_keys(OWN, GIVEN)).splitlines()
    assert lines[0].split() == [
        *('module', 'values', 'loaded', 'missing', 'mismatched', 'unexpected')
    ]
    assert lines[1].split() == ['backbone.stem', '75.0%', '1', '1', '0', '0']
    assert lines[-1].split() == ['all', '52.4%', '3', '1', '1', '1']  # 11 of 21
    assert len({len(line) for line in lines}) == 1


def test_states_that_do_not_occur_are_not_shown():
    assert str(compare_keys(OWN, OWN)).splitlines()[0].split() == [
        *('module', 'values', 'loaded', 'missing')
    ]


@pytest.mark.parametrize(
    ('name', 'module'),
    [
        ('backbone.blocks.3.mlp.0.weight', 'backbone.blocks'),
        ('head.fc.bias', 'head.fc'),
        ('data_preprocessor.std', 'data_preprocessor'),
        ('gamma', 'gamma'),
    ],
)
def test_module_of_a_weight(name, module):
    assert module_of(name) == module
