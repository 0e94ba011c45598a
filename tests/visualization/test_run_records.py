import math

import numpy as np
import pytest

from ocec.visualization import run_records
from ocec.visualization.run_records import (
    Record,
    build_curves,
    drop_repeated,
    is_place,
    numbers_of,
    parse_lines,
    read_log,
    shorten,
)


def test_lines_and_a_half_written_last_one():
    found, messages = parse_lines('{"a": 1}\n\n{"a": 2}\n{"a', 'm.jsonl')
    assert found == [{'a': 1}, {'a': 2}]
    assert messages == ['m.jsonl: the last line is half written and left out']


def test_broken_lines_in_the_middle_are_counted():
    found, messages = parse_lines('x\n{"a": 1}\n[1]\n{"a": 2}\n', 'm.jsonl')
    assert found == [{'a': 1}, {'a': 2}]
    [message] = messages
    assert message.startswith('m.jsonl: 2 of 4 lines are no JSON objects')
    assert message.endswith('the first is line 1')


def test_numbers_leave_texts_lists_and_flags_out():
    item = {'loss': None, 'f1': 1, 'name': 'x', 'list': [1], 'flag': True, 'epoch': 3}
    found = numbers_of(item, ('epoch',))
    assert list(found) == ['loss', 'f1']
    assert math.isnan(found['loss'])


def interval(step, loss=1.0):
    return Record('interval', 1, step, 0.0, {'loss': loss})


def test_a_resume_replaces_what_it_logs_again():
    val = Record('val', 1, 20, 0.0, {'f1': 0.5})
    records = [interval(10), interval(20), val, interval(30), interval(20, 2.0)]
    kept = drop_repeated(records)
    assert [(r.phase, r.step, *r.values.values()) for r in kept] == [
        ('interval', 10, 1.0),
        ('interval', 20, 2.0),
    ]


def test_the_mean_of_an_epoch_shares_the_step_of_its_last_interval():
    mean = Record('train', 1, 20, 0.0, {'loss': 1.0})
    records = [interval(10), interval(20), mean, Record('val', 1, 20, 0.0, {'f1': 1})]
    assert drop_repeated(records) == records


def test_a_new_run_in_the_same_folder_replaces_the_old_one():
    old = [interval(10), Record('train', 1, 10, 0.0, {'loss': 1.0}), interval(20)]
    assert drop_repeated([*old, interval(10, 3.0)]) == [interval(10, 3.0)]


def test_curves_of_different_toolboxes_meet_under_one_name():
    ours = build_curves([Record('val', 1, 5, 0.5, {'eye/f1': 0.9, 'eye/loss': 1.0})])
    stock = build_curves([Record('val', 1, 5, 0.5, {'single-label/f1-score': 90.0})])
    assert ours['val/f1'].value_N == stock['val/f1'].value_N == [0.9]
    assert stock['val/f1'].logged_as == 'single-label/f1-score'
    assert list(ours) == ['val/f1', 'val/loss']


def test_loss_above_one_is_no_percent_and_infinity_no_value():
    curves = build_curves(
        [Record('val', e, e, 0.0, {'loss': v}) for e, v in ((1, 7.0), (2, math.inf))]
    )
    np.testing.assert_array_equal(curves['val/loss'].value_N, [7.0, np.nan])


def test_rate_and_norm_have_no_phase():
    values = {'lr': 0.1, 'grad_norm': 2.0, 'memory_mb': 5.0, 'loss': 1.0}
    curves = build_curves([Record('interval', 1, 5, 0.5, values)])
    assert sorted(curves) == ['grad_norm', 'interval/loss', 'lr', 'memory_mb']


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['loss'], {'loss': 'loss'}),
        (['acc/top1', 'acc/top5'], {'accuracy': 'acc/top1', 'top5': 'acc/top5'}),
        (['ema/eye/f1', 'eye/f1'], {'f1': 'eye/f1', 'ema/eye/f1': 'ema/eye/f1'}),
    ],
)
def test_shorten(names, expected):
    assert shorten(names) == expected


@pytest.mark.parametrize(
    ('value', 'expected'),
    [(3, True), (0.5, True), (float('inf'), False), (10**400, False), ([], False)],
)
def test_an_epoch_is_a_number_that_counts(value, expected):
    assert is_place(value) == expected


def test_a_huge_log_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / 'metrics.jsonl'
    path.write_text('12345')
    assert read_log(path) == '12345'
    monkeypatch.setattr(run_records, 'MAX_LOG_BYTES', 4)
    with pytest.raises(ValueError, match='5 bytes, more than 4 are not read'):
        read_log(path)
