import numpy as np
import pytest
from scipy.signal import medfilt

from ocec.visualization.run_log import read_run
from ocec.visualization.run_numbers import (
    COLUMNS,
    default_target,
    find_best,
    find_converged,
    find_reached,
    gap_in_points,
    measure_roughness,
    seconds_per_epoch,
    summarize_run,
    value_at,
)

NAN = float('nan')


def summarize(folder, metric='val/f1', rule='greater', target=0.8):
    return summarize_run(read_run(folder), metric, rule=rule, target=target)


def test_numbers_of_a_run(make_work_dir):
    folder = make_work_dir(
        f1=(0.5, 0.8, 0.9, 0.85),
        train_loss=[1.0, 0.5, 0.25, 0.2],
        val_loss=[1.1, 0.6, 0.45, 0.5],
        **{'eye/fisher': [1, 2, 3, 4], 'eye/auc': [0.6, 0.9, 0.8, 0.7]},
    )
    with open(folder / 'metrics.jsonl', 'a') as stream:
        stream.write('{"phase": "test", "epoch": 0, "step": 0, "eye/f1": 0.7}\n')
    found = summarize(folder)
    assert list(found) == [column.key for column in COLUMNS]
    assert (found['best'], found['best_epoch'], found['test']) == (0.9, 3, 0.7)
    assert (found['fisher'], found['auc'], found['val_loss']) == (4, 0.9, 0.45)
    assert found['epochs_to_target'] == 2
    assert found['minutes_to_target'] == pytest.approx(2.2)  # 60 s + 6 s an epoch
    assert found['seconds_per_epoch'] == 60
    assert found['minutes'] == pytest.approx(4.4)
    assert found['train_loss'] == 0.25
    assert found['loss_gap'] == pytest.approx(0.45 - 0.25)
    # 0.5 + 99 % of 0.4 is 0.896
    assert found['convergence_epoch'] == 3
    assert found['epochs'] == 4
    # less than 5 epochs; nothing else was logged
    for key in ('roughness', 'largest_rise', 'acc_gap', 'train_acc', 'memory_mb'):
        assert found[key] is None


def test_accuracies_at_the_best_epoch(make_work_dir):
    folder = make_work_dir(f1=(0.5, 0.9), **{'eye/accuracy': [0.6, 0.91]})
    log = folder / 'metrics.jsonl'
    text = log.read_text().replace('"seconds": 60.0', '"seconds": 60, "accuracy": 0.96')
    log.write_text(text)
    found = summarize(folder)
    assert (found['train_acc'], found['val_acc']) == (0.96, 0.91)
    assert found['acc_gap'] == pytest.approx(0.05)


def test_guides_table_of_a_run_on_actions(make_action_dir):
    folder = make_action_dir(train=(0.4, 0.7, 0.95), val=(0.5, 0.8, 0.7))
    found = summarize(folder, metric='val/fused_top1')
    assert (found['best'], found['best_epoch']) == (0.8, 2)
    assert (found['train_top1'], found['val_top1']) == (0.7, 0.8)
    # augmentation and dropout: the training may lie below
    assert found['gap'] == pytest.approx(-10)
    assert found['last_gap'] == pytest.approx(25)
    assert found['rgb_top1'] == pytest.approx(0.7)
    assert found['lr'] == 0.1  # halved in the second epoch
    # 0.5 + 99 % of 0.3 is 0.797
    assert found['convergence_epoch'] == 2
    assert found['acc_gap'] is None


def test_guides_table_is_that_of_the_best_epoch_of_the_metric(make_action_dir):
    folder = make_action_dir(val_loss=[2.0, 3.0, 1.0])
    found = summarize(folder, metric='val/loss', rule='less')
    assert (found['train_top1'], found['val_top1']) == (0.9, 0.75)
    assert found['gap'] == found['last_gap'] == pytest.approx(15)


def test_runs_on_eyes_have_no_numbers_of_actions(make_work_dir):
    found = summarize(make_work_dir())
    for key in ('train_top1', 'val_top1', 'gap', 'last_gap', 'rgb_top1', 'lr'):
        assert found[key] is None


def test_gap_of_an_epoch_that_was_not_logged(make_action_dir):
    curves = read_run(make_action_dir()).curves
    both = curves['train/fused_top1'], curves['val/fused_top1']
    assert gap_in_points(*both, 3) == pytest.approx(15)
    assert gap_in_points(*both, 4) is None
    assert gap_in_points(None, both[1], 3) is None


def test_target_that_is_not_reached_and_a_metric_that_is_missing(make_work_dir):
    folder = make_work_dir()
    assert summarize(folder, target=0.99)['epochs_to_target'] is None
    found = summarize(folder, metric='val/auc')
    assert found['best'] is found['convergence_epoch'] is None
    assert found['val_loss'] == pytest.approx(1 / 3 + 0.1)
    assert summarize(folder, target=None)['minutes_to_target'] is None


def test_lower_is_better_for_a_loss(make_work_dir):
    folder = make_work_dir(f1=(0.5, 0.8, 0.9), val_loss=[3.0, 1.0, 2.0])
    found = summarize(folder, metric='val/loss', rule='less', target=2.0)
    assert (found['best'], found['best_epoch']) == (1.0, 2)
    assert found['epochs_to_target'] == 2


def test_places_on_a_curve():
    value_N = np.array([NAN, 0.2, 0.7, 0.7, 0.5])
    assert (find_best(value_N, 'greater'), find_best(value_N, 'less')) == (2, 1)
    assert find_reached(value_N, 0.5, 'greater') == 2
    assert find_reached(value_N, 0.5, 'less') == 1
    assert find_reached(value_N, 0.8, 'greater') is None
    assert find_converged(value_N, 'greater') == 2
    assert find_converged(np.array([1.0, 0.02, 0.0]), 'less') == 2
    empty_N = np.array([NAN, NAN])
    assert find_best(empty_N, 'less') is find_converged(empty_N, 'less') is None
    assert value_at(None, 1.0) is None


def test_roughness_against_a_median_filter_of_scipy():
    loss_N = np.random.default_rng(0).random(50) + np.linspace(3, 0, 50)
    median_N = medfilt(loss_N, 5)
    # shorter windows at the ends
    median_N[[0, -1]] = loss_N[[0, -1]]
    median_N[1], median_N[-2] = np.median(loss_N[:3]), np.median(loss_N[-3:])
    span = median_N.max() - median_N.min()
    residual = ((loss_N - median_N) ** 2).mean() ** 0.5
    roughness, rise = measure_roughness(loss_N)
    assert roughness == pytest.approx(100 * residual / span)
    steps = [after - before for before, after in zip(loss_N, loss_N[1:], strict=False)]
    assert rise == pytest.approx(100 * max(steps) / span)


def test_roughness_does_not_depend_on_scale_but_on_a_spike():
    loss_N = np.array([9, 8, 7, 6, 5, 4, 3, 2.0])
    assert measure_roughness(loss_N) == (0.0, 0.0)
    spike_N = loss_N.copy()
    spike_N[4] = 12
    # the median knows no spike: 6 - 4 stays in order, so only that value is off by 7
    # (median 5 of 7, 6, 12, 4, 3 is 6) and the range is 7
    roughness, rise = measure_roughness(spike_N)
    assert rise == pytest.approx(100 * (12 - 6) / 7)
    assert measure_roughness(10 * spike_N + 3)[0] == pytest.approx(roughness)
    assert measure_roughness(np.append(loss_N, NAN)) == (0.0, 0.0)
    assert measure_roughness(loss_N[:4]) == (None, None)
    assert measure_roughness(np.ones(9)) == (None, None)


def test_seconds_without_logged_durations(make_work_dir):
    folder = make_work_dir(seconds=30.0)
    run = read_run(folder)
    del run.curves['train/seconds']
    # 30 s of training, the 3 s of the validation before come with it
    assert seconds_per_epoch(run) == pytest.approx(33.0)
    run.curves['train/loss'].minutes_N[:] = NAN
    assert seconds_per_epoch(run) is None


def test_default_target_is_what_every_run_reaches(make_work_dir):
    runs = [
        read_run(make_work_dir(f'r{best}', f1=(0.1, best), val_loss=[2.0, 1 - best]))
        for best in (0.95, 0.91239)
    ]
    assert default_target(runs, 'val/f1', 'greater') == 0.9123
    assert default_target(runs, 'val/loss', 'less') == pytest.approx(0.0877)
    assert default_target(runs, 'val/auc', 'greater') is None
