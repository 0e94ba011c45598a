import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocec.__main__ import main, parse_args
from ocec.apis.guide_export_settings import GuideExport

PATHS = ['--data_root', 'eyes', '--output_dir', 'run']
# runs the module, then prints which modules of a list it has imported
WATCH = """
import runpy, sys
sys.argv = ['ocec', *sys.argv[1:]]
try:
    runpy.run_module('ocec', run_name='__main__')
finally:
    heavy = {'torch', 'numpy', 'mmengine', 'mmcv', 'cv2', 'pyarrow'}
    print('imported:', sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    'words', [['--help'], ['train', '--help'], ['exportonnx', '--help']]
)
def test_help_imports_nothing_heavy(words):
    done = subprocess.run(
        [sys.executable, '-c', WATCH, *words],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('usage: python -m ocec ')
    assert done.stdout.splitlines()[-1] == 'imported: []'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'the following arguments are required: COMMAND'),
        (['predict'], "invalid choice: 'predict'"),
        (['train'], 'required: --data_root/--data-root, --output_dir/--output-dir'),
        (['train', *PATHS, '--no_such_flag'], 'unrecognized arguments: --no_such_flag'),
        (
            ['train', *PATHS, '--val_ratio', '0.3'],
            'python -m ocec train: error: --train_ratio 0.8, --val_ratio 0.3 and',
        ),
        (['train', *PATHS, '--train_ratio', '0'], '--train_ratio must be in (0, 1]'),
    ],
)
def test_wrong_usage(capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        parse_args(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith('usage: python -m ocec')
    assert message in error


def test_settings_of_an_export():
    settings = parse_args(['exportonnx', '--checkpoint', 'a', '--output', 'b.onnx'])
    assert settings == GuideExport(checkpoint='a', output='b.onnx')


def test_export_of_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['exportonnx', '--checkpoint', 'a', '--output', 'b.onnx']) == 2
    assert capsys.readouterr().err == 'a: no such checkpoint\n'


def test_settings():
    settings = parse_args(['train', *PATHS, '--lr', '1.2e-4', '--pretrain', 'a', 'b'])
    assert (settings.data_root, settings.output_dir) == ('eyes', 'run')
    assert (settings.lr, settings.pretrain) == (1.2e-4, ('a', 'b'))
    assert settings.arch_variant == 'baseline'


@pytest.mark.parametrize(('device', 'hidden'), [('cpu', ''), ('auto', '3')])
def test_cpu_hides_the_gpus(monkeypatch, device, hidden):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3')
    assert main(['train', *PATHS, '--device', device]) == 1  # there are no data
    assert os.environ['CUDA_VISIBLE_DEVICES'] == hidden


@pytest.mark.parametrize(
    ('words', 'code', 'message'),
    [
        ([], 1, 'error: --data_root eyes: no such parquet file, and no folder with '),
        (['--image_size', '4y'], 2, '--image_size must be two positive numbers such'),
        (['--pretrain', '*.pt'], 2, '--pretrain *.pt: the pattern matches no .pth or '),
        (['--resume', 'x.pth'], 2, '--resume x.pth: no such checkpoint'),
    ],
)
def test_failures_are_told_without_a_traceback(
    make_eye_parquet, tmp_path, monkeypatch, capsys, words, code, message
):
    monkeypatch.chdir(tmp_path)
    if words:
        make_eye_parquet('eyes/a.parquet', num_rows=16)
    assert main(['train', *PATHS, *words]) == code
    assert capsys.readouterr().err.startswith(message)
    assert not Path('run').exists()


def test_command_trains(make_eye_parquet, tmp_path, capsys):
    paths = ['--data-root', str(make_eye_parquet(num_rows=16))]
    paths += ['--output-dir', str(tmp_path / 'run')]
    flags = ['--epochs', '1', '--num-workers', '0', '--image-size', '24x40']
    assert main(['train', *paths, *flags]) == 0
    assert 'The same with the config system:\n' in capsys.readouterr().out
    assert (tmp_path / 'run' / 'best.json').is_file()
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
