import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.guide_options import config_options, notes_on_options
from ocec.apis.guide_settings import GuideSettings
from ocec.apis.guide_split import GuideSplit

PLATEAU = dict(type='ReduceOnPlateauLR', monitor='eye/loss', patience=2, begin=5)
OWN = GuideSplit(ratios=None, has_test=False, told='')


def make(**given):
    return GuideSettings(data_root='eyes', output_dir='run', **given)


def options(split=OWN, **given):
    return config_options(make(**given), split=split, plateau=PLATEAU)


def test_defaults_change_nothing():
    assert options() == []
    assert notes_on_options(make()) == []


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (dict(epochs=200), ['train_cfg.max_epochs=200']),
        (
            dict(batch_size=1024),
            ['train_dataloader.batch_size=1024', 'auto_scale_lr.base_batch_size=1024'],
        ),
        (dict(num_workers=16), ['train_dataloader.num_workers=16']),
        (
            dict(num_workers=0),
            [
                'train_dataloader.num_workers=0',
                'train_dataloader.persistent_workers=false',
            ],
        ),
        (dict(base_channels=48), ['model.backbone.base_channels=48']),
        (dict(num_blocks=8), ['model.backbone.num_blocks=8']),
        (dict(dropout=0.5), ['model.head.dropout=0.5']),
        (dict(lr=1.2e-4), ['optim_wrapper.optimizer.lr=0.00012']),
        (dict(weight_decay=0.0), ['optim_wrapper.optimizer.weight_decay=0.0']),
        (dict(image_size='48x48'), []),
        (dict(arch_variant='inverted_se'), ['model.backbone.type=OCECInvertedSE']),
        (dict(arch_variant='convnext'), ['model.backbone.type=OCECConvNeXt']),
        (dict(head_variant='avg'), ['model.head.type=AvgHead']),
        (dict(head_variant='avgmax_mlp'), ['model.head.type=AvgMaxMLPHead']),
        (dict(head_variant='transformer'), ['model.head.type=TransformerHead']),
        (dict(head_variant='mlp_mixer'), ['model.head.type=MLPMixerHead']),
        (dict(margin_method='none'), ['model.head.margin=none']),
        (dict(margin_method='arcface'), ['model.head.margin.type=ArcFace']),
        (dict(verbose=True), ['log_level=DEBUG']),
        (
            dict(warmup_epochs=20),
            [
                'param_scheduler.0.end=20',
                'param_scheduler.0.start_factor=0.05',
                'param_scheduler.1.begin=20',
            ],
        ),
        (
            dict(warmup_epochs=0),
            [
                'param_scheduler='
                '[dict(type=ReduceOnPlateauLR,monitor=eye/loss,patience=2)]'
            ],
        ),
    ],
)
def test_one_setting(given, expected):
    assert options(**given) == expected


@pytest.mark.parametrize('text', ['24x40', '24×40', '24,40'])
def test_size_of_every_dataset(text):
    assert options(image_size=text) == [
        f'{split}_dataloader.dataset.image_size=24,40'
        for split in ('train', 'val', 'test')
    ]


@pytest.mark.parametrize('text', ['4y', '', '0x4', '1x2x3', '1.5x2'])
def test_size_that_cannot_be_read(text):
    message = 'must be two positive numbers such as {}, got {!r}'
    size = f'--image_size {message.format("32x64 or 48", text)}'
    with pytest.raises(ConfigError, match=size):
        options(image_size=text)
    grid = f'--token_mixer_grid {message.format("2x4", text)}'
    with pytest.raises(ConfigError, match=grid):
        options(token_mixer_grid=text, arch_variant='convnext')
    with pytest.raises(ConfigError, match=grid):  # also where it has no effect
        notes_on_options(make(token_mixer_grid=text))


@pytest.mark.parametrize(
    'given',
    [
        dict(arch_variant='convnext'),
        dict(head_variant='transformer'),
        dict(head_variant='mlp_mixer', arch_variant='inverted_se'),
    ],
)
def test_settings_of_tokens_for_a_head_with_tokens(given):
    told = options(token_mixer_grid='2,4', token_mixer_layers=2, **given)
    assert told[-2:] == ['model.head.token_grid=2,4', 'model.head.num_layers=2']
    assert notes_on_options(make(token_mixer_grid='2,4', **given)) == []
    assert not [option for option in options(**given) if 'token' in option]


@pytest.mark.parametrize(
    ('given', 'head'),
    [
        ({}, 'AvgHead'),
        (dict(arch_variant='inverted_se'), 'AvgMaxMLPHead'),
        (dict(arch_variant='convnext', head_variant='avg'), 'AvgHead'),
    ],
)
def test_settings_of_tokens_for_a_head_without(given, head):
    tokens = dict(token_mixer_grid='2x3', token_mixer_layers=2)
    assert options(**given, **tokens) == options(**given)
    assert notes_on_options(make(**given, **tokens)) == [
        f'note: the head is {head}, without tokens: {flag} has no effect and is left '
        'out'
        for flag in ('--token_mixer_grid 2x3', '--token_mixer_layers 2')
    ]


@pytest.mark.parametrize(
    ('epochs', 'warmup', 'share'),
    [(5, 20, '25%'), (5, 5, '100%'), (6, 5, None), (1, 0, None)],
)
def test_warmup_that_does_not_end(epochs, warmup, share):
    notes = notes_on_options(make(epochs=epochs, warmup_epochs=warmup))
    expected = (
        f'note: --warmup_epochs {warmup} do not end before --epochs {epochs}: the rate '
        f'gets to {share} of --lr, and the plateau never cuts it'
    )
    assert notes == ([expected] if share else [])


def test_split_by_ratio_is_the_same_for_every_dataset():
    split = GuideSplit(ratios=dict(train=0.7, val=0.3), has_test=False, told='')
    loaders = [f'{name}_dataloader' for name in ('train', 'val', 'test')]
    ratios = 'dataset.split_ratios=dict(train=0.7,val=0.3)'
    assert options(split) == [f'{loader}.{ratios}' for loader in loaders]
    assert options(split, seed=7) == [
        f'{loader}.{option}'
        for loader in loaders
        for option in (ratios, 'dataset.split_seed=7')
    ]


def test_test_split_is_tested_where_there_is_one():
    split = GuideSplit(ratios=None, has_test=True, told='')
    assert options(split) == ['test_dataloader.dataset.split=test']
