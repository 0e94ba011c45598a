import errno
import json

import pytest

from ocec.engine.metrics_file import MetricsFile
from ocec.functional import file_ops


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


def test_resume_keeps_as_many_lines_as_the_checkpoint_knew(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    file = MetricsFile(path)
    # the checkpoint was written at step 20, before the epoch was closed
    file.append('train', 1, 10, {})
    file.append('train', 1, 20, {})
    known = file.num_lines
    file.append('train_epoch', 1, 20, {})
    file.append('val', 1, 20, {})
    resumed = MetricsFile(path)
    resumed.start(20, 'b', known)
    assert [line['phase'] for line in read(path)] == ['train', 'train']
    resumed.append('train_epoch', 1, 20, {})
    assert resumed.num_lines == 3


@pytest.mark.parametrize('num_lines', [None, 3, 99])
def test_of_a_file_that_does_not_fit_the_steps_count(tmp_path, num_lines):
    path = tmp_path / 'metrics.jsonl'
    file = MetricsFile(path)
    for step in (10, 20, 30):
        file.append('train', 1, step, {})
    file.start(20, 'b', num_lines)
    assert [line['step'] for line in read(path)] == [10, 20]


def test_what_a_full_disk_does_not_take_is_written_later(
    tmp_path, monkeypatch, log_records
):
    def write(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    path = tmp_path / 'metrics.jsonl'
    file = MetricsFile(path)
    file.append('train', 1, 10, {})
    monkeypatch.setattr(file_ops, 'write', write)
    file.append('train', 1, 20, {})
    message = 'cannot be written: No space left on device; 1 lines wait'
    assert message in log_records[-1].getMessage()
    with pytest.raises(OSError, match='No space left'):
        file.finish()
    assert [line['step'] for line in read(path)] == [10]
    # a run that is resumed now gets them from its checkpoint
    assert (file.num_lines, len(file.waiting)) == (1, 1)
    monkeypatch.undo()
    resumed = MetricsFile(tmp_path / 'copy')
    resumed.path.write_bytes(path.read_bytes())
    resumed.start(20, 'b', file.num_lines, file.waiting)
    resumed.append('train', 1, 30, {})
    assert [line['step'] for line in read(resumed.path)] == [10, 20, 30]
    file.append('train', 1, 30, {})
    file.finish()
    assert [line['step'] for line in read(path)] == [10, 20, 30]


def test_a_line_after_a_torn_one_stands_alone(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    path.write_text('{"phase": "tr')
    MetricsFile(path).append('train', 1, 10, {})
    assert json.loads(path.read_text().splitlines()[1])['step'] == 10


def test_unknown_phase(tmp_path):
    with pytest.raises(ValueError, match="phase must be one of .* got 'validate'"):
        MetricsFile(tmp_path / 'm').append('validate', 1, 1, {})


@pytest.mark.parametrize('line', ['[' * 100_000, '[1]', '{"step": "1"}', '\ufffd'])
def test_a_resume_drops_what_is_no_line(tmp_path, line):
    path = tmp_path / 'metrics.jsonl'
    good = '{"phase": "val", "epoch": 1, "step": 1}\n'
    path.write_text(f'{good}{line}\n{good}', encoding='utf-8')
    MetricsFile(path).start(1, 'now')
    assert path.read_text() == good * 2
