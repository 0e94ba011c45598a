import pytest

from ocec.engine.metric_rule import is_better, rule_of


@pytest.mark.parametrize(
    ('metric', 'rule'),
    [
        ('eye/loss', 'less'),
        ('val_loss', 'less'),
        ('eye/ece', 'less'),
        ('eye/fp', 'less'),
        ('eye/f1', 'greater'),
        ('eye/auc', 'greater'),
        # 'closs' is a word of its own, not a loss
        ('eye/closs_auc', 'greater'),
    ],
)
def test_losses_and_errors_fall_everything_else_rises(metric, rule):
    assert rule_of(metric) == rule


@pytest.mark.parametrize(
    ('value', 'best', 'rule', 'min_delta', 'expected'),
    [
        (0.1, None, 'greater', 0.0, True),
        (0.5, 0.5, 'greater', 0.0, False),  # strict
        (0.6, 0.5, 'greater', 0.0, True),
        (0.6, 0.5, 'greater', 0.2, False),
        (0.4, 0.5, 'less', 0.0, True),
        (0.5, 0.5, 'less', 0.0, False),
        (0.4, 0.5, 'less', 0.2, False),
        (float('nan'), 0.5, 'greater', 0.0, False),
    ],
)
def test_is_better(value, best, rule, min_delta, expected):
    assert is_better(value, best, rule, min_delta) is expected
