import argparse

import pytest

from ocec.apis.guide_export_settings import GuideExport, add_export_arguments

WORDS = ['--checkpoint', 'best.pth', '--output', 'eye.onnx']


def parse(words):
    parser = argparse.ArgumentParser()
    add_export_arguments(parser)
    return GuideExport(**vars(parser.parse_args(words)))


def test_defaults_are_those_of_the_original():
    settings = parse(WORDS)
    assert settings == GuideExport(checkpoint='best.pth', output='eye.onnx')
    assert (settings.opset, settings.device) == (17, 'auto')


def test_all_flags():
    more = ['--opset', '18', '--device', 'cpu', '--data', 'x', '--no_parity']
    settings = parse([*WORDS, *more])
    assert (settings.opset, settings.device) == (18, 'cpu')
    assert (settings.data, settings.no_parity) == ('x', True)


def test_what_is_needed(capsys):
    with pytest.raises(SystemExit):
        parse([])
    assert 'required: --checkpoint, --output' in capsys.readouterr().err
