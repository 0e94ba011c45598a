import pytest

from ocec.apis.guide_settings import GuideSettings, default_of

PATHS = dict(data_root='eyes.parquet', output_dir='run')


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (dict(train_ratio=0), r'--train_ratio must be in \(0, 1\], got 0'),
        (dict(train_ratio=1.5), r'--train_ratio must be in \(0, 1\], got 1.5'),
        (dict(val_ratio=0), r'--val_ratio must be in \(0, 1\), got 0: the learning'),
        (dict(val_ratio=float('nan')), r'--val_ratio must be in \(0, 1\), got nan'),
        (dict(test_ratio=-0.1), r'--test_ratio must be in \[0, 1\), got -0.1'),
        (
            dict(train_ratio=0.8, val_ratio=0.2, test_ratio=0.1),
            '--train_ratio 0.8, --val_ratio 0.2 and --test_ratio 0.1 sum to 1.1, more',
        ),
        (
            dict(pretrain=('a.pth',), resume='auto'),
            '--pretrain begins a training with old weights, --resume goes on',
        ),
    ],
)
def test_settings_that_do_not_go_together(given, message):
    with pytest.raises(ValueError, match=message):
        GuideSettings(**PATHS, **given)


@pytest.mark.parametrize(
    ('train', 'val', 'test', 'expected'),
    [
        (0.8, 0.2, 0.0, dict(train=0.8, val=0.2)),
        (0.7, 0.2, 0.1, dict(train=0.7, val=0.2, test=0.1)),
        (0.7, 0.2, 0.0, dict(train=0.7, val=0.2, test=0.1)),
        # 1 - 0.9 - 0.1 is -2.8e-17 in floating point
        (0.9, 0.1, 0.0, dict(train=0.9, val=0.1)),
    ],
)
def test_test_gets_what_is_left_over(train, val, test, expected):
    settings = GuideSettings(**PATHS, train_ratio=train, val_ratio=val, test_ratio=test)
    assert settings.ratios == expected


def test_defaults():
    settings = GuideSettings(**PATHS, epochs=30, lr=2e-4)
    assert settings.is_default('epochs')
    assert not settings.is_default('lr')
    assert default_of('lr') == 1e-4
