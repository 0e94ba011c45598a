import numpy as np
import pytest

from ocec.apis.finetune_report_numbers import Difference, Value
from ocec.apis.finetune_report_runs import ReportRun, find_report_runs
from ocec.apis.finetune_report_words import format_difference, format_value

# three quarters of the images of each subject: F1 of 0.5 in every draw
MOST = {row for row in range(8) if row % 4}
HALF = {0, 1, 4, 5}


def test_better_on_b_and_what_it_costs_on_a(make_finetune_report):
    wrong = {'zero-shot': [MOST], 'scratch': [HALF], 'full': [set()]}
    report = make_finetune_report(wrong, {**wrong, 'zero-shot': [set()]})
    assert report.best == 'full'
    # MOST: of each subject 1 closed right, 1 false alarm, 2 missed
    assert report.summary == [
        f'Best on {report.sides["B"].name}: full, F1 1.0000 (1.0000 to 1.0000).',
        'On B, F1 of full minus that of scratch: +50.00 points (+50.00 to +50.00).',
        'On B, F1 of full minus that of zero-shot: +100.00 points (+100.00 to '
        '+100.00).',
        f'On {report.sides["A"].name}, F1 of full minus that of the start: +0.00 '
        'points (+0.00 to +0.00), not told apart: the interval holds 0.',
        f'Within 1 point of F1 of the start on {report.sides["A"].name}, or above: '
        'full.',
    ]


def test_fine_tuning_that_is_worse_than_the_start(make_finetune_report):
    report = make_finetune_report(
        {'zero-shot': [set()], 'full': [HALF], 'head': [{0}]},
        {'zero-shot': [set()], 'full': [HALF], 'head': [HALF]},
    )
    told = ' '.join(report.summary)
    assert 'No fine-tuning beats zero-shot on B here.' in told
    # one error of 8, none in half of the draws
    assert 'Not told apart from zero-shot on B by these images: head.' in told
    assert 'F1 of full minus that of the start: -50.00 points' in told
    assert told.endswith('or above: no method.')


def test_price_of_the_best_and_of_scratch(make_finetune_report):
    wrong = {'zero-shot': [HALF], 'scratch': [HALF], 'full': [set()]}
    runs = {
        'scratch': [ReportRun('s', None, minutes=20.0, epochs=200, images_seen=10_000)],
        'full': [ReportRun('f', None, minutes=1.0, epochs=7.0)],
    }
    for run in runs['scratch'] + runs['full']:
        run.checkpoint = 'x.pth'
    report = make_finetune_report(wrong, wrong, runs)
    assert (
        'scratch took 200 epochs, 20.0 min and 10,000 images; full took 7 epochs, 1.0 '
        'min.'
    ) in report.summary


def test_few_groups_and_single_seeds(make_finetune_report):
    wrong = {'zero-shot': [HALF], 'full': [set()], 'head': [set(), set()]}
    report = make_finetune_report(wrong, wrong, group=['unknown'] * 8)
    a, b = (report.sides[letter].name for letter in 'AB')
    assert report.notes == [
        f'{b}: 8 images only: the intervals are too narrow.',
        f'{b}: no group is known, so single images are drawn. Where several show one '
        'person, the true intervals are wider and the p values larger.',
        f'{a}: 2 groups only, so the intervals are too narrow. '
        "McNemar's p takes images as independent and is too small.",
        'One seed only of full: how much another would move the numbers is not known.',
    ]
    report = make_finetune_report(wrong, wrong, group=['one'] * 8)
    told = f'{report.sides["B"].name}: one group only, so there is no interval.'
    assert told in report.notes


def test_many_groups_need_no_word(make_finetune_report):
    wrong = {'zero-shot': [HALF], 'full': [set(), set()]}
    report = make_finetune_report(wrong, wrong, num_rows=80)
    assert len(np.unique(report.sides['B'].group_N)) == 20
    assert not any(note.startswith('B') for note in report.notes)


def test_images_that_chose_the_epoch(make_side):
    from ocec.apis.finetune_report import build_report

    wrong = {'zero-shot': [HALF], 'full': [set()], 'last': [set()]}
    sides = {letter: make_side(wrong, letter) for letter in 'BA'}
    for name in ('full', 'last'):
        sides['B'].scores[name][0].is_chosen_here = True
    methods = {name: [ReportRun(name, f'{name}.pth')] for name in wrong}
    methods['full'][0].by_metric = True
    for runs in methods.values():
        runs[0].checkpoint = sides['B'].dataset.table.files[0]
    notes = build_report(methods, sides, 'val').notes
    b = sides['B'].name
    assert notes[1] == (
        f'{b}: epoch and threshold of full were chosen on these images, so their '
        'numbers here are a little too good.'
    )
    assert notes[2] == (
        f'{b}: the threshold of last was chosen on these images, so their numbers here '
        'are a little too good.'
    )


def test_runs_that_are_no_seeds_of_one_method(make_work_dir, make_finetune_report):
    folders = []
    for seed, width in ((1, 8), (2, 16)):
        folder = make_work_dir(
            f's{seed}', seed=seed, settings=f'model = dict(width={width})'
        )
        (folder / 'best.pth').touch()
        folders.append(str(folder))
    runs = find_report_runs('full', folders, '--run full')
    wrong = {'zero-shot': [HALF], 'full': [set(), set()]}
    report = make_finetune_report(wrong, wrong, {'full': runs})
    assert report.notes[-2:] == [
        'full: its runs differ in model.width, so ± is not that of seeds alone.',
        'full s1, full s2: the work_dir names no checkpoint that training started '
        'from.',
    ]


def test_another_start(make_finetune_report, tmp_path):
    start, other = tmp_path / 'start.pth', tmp_path / 'other.pth'
    runs = {
        'zero-shot': [ReportRun(f'zero-shot {f}', f) for f in (tmp_path / 'a', start)],
        'scratch': [ReportRun('scratch', start, started_from=str(start))],
        'full': [ReportRun('full', start, started_from=str(other))],
        'head': [ReportRun('head', start, started_from=str(start))],
    }
    wrong = {name: [HALF] for name in runs}
    notes = make_finetune_report(wrong, wrong, runs).notes
    assert notes[-2:] == [
        f'scratch: training started from {start}.',
        f'full: training started from {other}, not from the start of this report.',
    ]


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (Value(None, None, None, None, (None,)), 'undefined'),
        (Value(0.5, None, None, None, (0.5,)), '0.5000'),
        (Value(0.5, 0.01, 0.4, 0.6, (0.5,)), '0.5000 ± 0.0100 (0.4000 to 0.6000)'),
    ],
)
def test_values_in_words(value, text):
    assert format_value(value) == text


def test_differences_in_words():
    told = format_difference(Difference(0.032, 0.011, 0.053, None, 'higher'))
    assert told == '+3.20 points (+1.10 to +5.30)'
    told = format_difference(Difference(-0.1, None, None, None, 'not told apart', 'x'))
    assert told == '-10.00 points, not told apart: x'
