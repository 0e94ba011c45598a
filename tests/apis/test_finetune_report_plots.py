import cv2
import numpy as np
import pytest

from ocec.apis.finetune_report_plots import (
    curve_on,
    draw_convergence,
    draw_trade_off,
    find_curves,
)
from ocec.apis.finetune_report_runs import ReportRun
from ocec.visualization.run_log import read_run

WRONG = {'zero-shot': [{0, 1}], 'full': [{0}, {4}], 'a $x$': [{5}]}


@pytest.fixture
def make_run(make_work_dir):
    def make(name='run', val_set=None, **settings):
        log = read_run(make_work_dir(name, **settings))
        if val_set:
            log.facts['val set'] = val_set
        else:
            log.facts.clear()
        return ReportRun(name, log.path / 'best.pth', log=log)

    return make


def test_the_only_validation_if_it_was_on_these_images(make_run, make_side):
    side = make_side({'full': [{0}]})
    run = make_run(val_set=side.fingerprint)
    assert curve_on(run, side).value_N.tolist() == [0.5, 0.8, 0.9]
    run.log.facts['val set'] = 'other images'
    assert curve_on(run, side) is None
    # nothing tells: it was tuned for B
    run.log.facts.clear()
    assert curve_on(run, side).value_N.tolist() == [0.5, 0.8, 0.9]
    side.letter = 'A'
    assert curve_on(run, side) is None
    assert curve_on(ReportRun('x', run.checkpoint), side) is None


def test_of_several_sources_that_of_the_name(make_run, make_side):
    side = make_side({'full': [{0}]})
    run = make_run(**{'new/f1': [0.1, 0.2, 0.3]})
    assert curve_on(run, side, 'new').value_N.tolist() == [0.1, 0.2, 0.3]
    assert curve_on(run, side, 'eye').value_N.tolist() == [0.5, 0.8, 0.9]
    assert curve_on(run, side) is None
    side.scores['full'][0].source = 'new'
    [curve] = find_curves({'full': [run]}, side)['full']
    assert curve.logged_as == 'new/f1'


def test_pictures(make_finetune_report, make_run):
    runs = {'full': [make_run('a'), make_run('b', f1=(0.6, 0.7))]}
    runs['a $x$'] = [make_run('c', f1=(0.9, 0.9, 0.95))]
    report = make_finetune_report(WRONG, WRONG, runs)
    sizes = []
    for png in (draw_convergence(report), draw_trade_off(report)):
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert image.min() < 60
        sizes.append(image.shape)
    # one line of two plots: nothing was validated on A
    assert sizes[0][0] < 600
    [run] = runs['a $x$']
    run.log.facts['val set'] = report.sides['A'].fingerprint
    both = cv2.imdecode(np.frombuffer(draw_convergence(report), np.uint8), 1)
    assert both.shape[0] > 900


def test_no_log_no_curves(make_finetune_report):
    assert draw_convergence(make_finetune_report(WRONG, WRONG)) is None
