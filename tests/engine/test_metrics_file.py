import json

import pytest

from ocec.engine.metrics_file import MetricsFile


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_has_phase_epoch_and_step_and_is_strict_json(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    MetricsFile(path).append(
        'val', 2, 96, {'auc': float('nan'), 'confusion': [[1, 2], [3, float('inf')]]}
    )
    (line,) = read(path)
    assert line == {
        'phase': 'val',
        'epoch': 2,
        'step': 96,
        'auc': None,
        'confusion': [[1, 2], [3, None]],
    }


def test_resume_drops_what_will_be_written_again(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    file = MetricsFile(path)
    for step in (10, 20, 30):
        file.append('train', 1, step, {})
    with open(path, 'a') as stream:
        stream.write('{"phase": "train", "ep')  # torn by a kill
    file.start(20, 'b')
    file.append('train', 2, 30, {'again': 1})
    assert [(line['step'], 'again' in line) for line in read(path)] == [
        (10, False),
        (20, False),
        (30, True),
    ]


def test_a_new_run_puts_the_old_file_aside(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    file = MetricsFile(path)
    file.append('train', 1, 10, {})
    file.start(0, '20260101_000000')
    assert not path.exists()
    assert len(read(tmp_path / 'metrics_before_20260101_000000.jsonl')) == 1


def test_unknown_phase(tmp_path):
    with pytest.raises(ValueError, match="phase must be one of .* got 'validate'"):
        MetricsFile(tmp_path / 'm').append('validate', 1, 1, {})
