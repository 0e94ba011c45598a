import argparse
import dataclasses

import pytest

from ocec.apis.guide_parser import add_train_arguments
from ocec.apis.guide_settings import GuideSettings

REQUIRED = ['--data_root', 'eyes', '--output_dir', 'run']


def parse(*words):
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    return vars(parser.parse_args([*REQUIRED, *map(str, words)]))


def test_without_flags_every_setting_has_its_default():
    expected = dataclasses.asdict(GuideSettings(data_root='eyes', output_dir='run'))
    assert parse() == expected


# flag, what is typed, what it means; each differs from the default
FLAGS = [
    ('epochs', ['200'], 200),
    ('batch_size', ['1024'], 1024),
    ('num_workers', ['0'], 0),
    ('train_ratio', ['.7'], 0.7),
    ('val_ratio', ['.1'], 0.1),
    ('test_ratio', ['.1'], 0.1),
    ('resplit', [], True),
    ('image_size', ['32x64'], '32x64'),
    ('base_channels', ['48'], 48),
    ('num_blocks', ['8'], 8),
    ('dropout', ['0.5'], 0.5),
    ('arch_variant', ['inverted_se'], 'inverted_se'),
    ('head_variant', ['mlp_mixer'], 'mlp_mixer'),
    ('token_mixer_grid', ['2x4'], '2x4'),
    ('token_mixer_layers', ['3'], 3),
    ('margin_method', ['none'], 'none'),
    ('lr', ['1.2e-4'], 1.2e-4),
    ('weight_decay', ['2e-4'], 2e-4),
    ('seed', ['1'], 1),
    ('device', ['cpu'], 'cpu'),
    ('warmup_epochs', ['20'], 20),
    ('use_amp', [], True),
    ('pretrain', ['a.pth', 'b.pth'], ['a.pth', 'b.pth']),
    ('resume', ['a.pth'], 'a.pth'),
    ('verbose', [], True),
]


def test_every_setting_has_its_flag():
    names = {field.name for field in dataclasses.fields(GuideSettings)}
    assert {name for name, *_ in FLAGS} == names - {'data_root', 'output_dir'}


@pytest.mark.parametrize(('name', 'words', 'value'), FLAGS)
def test_both_spellings(name, words, value):
    expected = {**parse(), name: value}
    assert parse(f'--{name}', *words) == expected
    assert parse(f'--{name.replace("_", "-")}', *words) == expected


def test_resume_without_a_checkpoint():
    assert parse('--resume')['resume'] == 'auto'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--epochs', '0'], '--epochs: must be a whole number >= 1, got 0'),
        (['--batch_size', '1.5'], 'must be a whole number >= 1, got 1.5'),
        (['--num_workers', '-1'], 'must be a whole number >= 0, got -1'),
        (['--warmup_epochs', 'x'], 'must be a whole number >= 0, got x'),
        (['--arch_variant', 'resnet'], "invalid choice: 'resnet'"),
        (['--head_variant', 'x'], "invalid choice: 'x'"),
        (['--margin_method', 'x'], "invalid choice: 'x'"),
        (['--device', 'tpu'], "invalid choice: 'tpu'"),
    ],
)
def test_wrong_usage(capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        parse(*words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
