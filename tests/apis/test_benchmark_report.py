"""Made-up figures; the ratios are worked out by hand."""

import copy

import cv2
import pytest

from ocec.apis.benchmark_report import draw_benchmark, format_benchmark, list_ratios

FOUND = {
    'machine': {'processor': 'Fast 3000', 'threads': 2},
    'config': 'tiny.py',
    'device': 'cpu',
    'peers': {
        'images_per_second': {
            'ours': [1000.0, 1200.0, 1100.0],
            'resident': [1000.0, 1600.0, 1000.0],
            'resident_augmented': [1000.0, 1000.0, 1000.0],
            'mmpretrain': [200.0, 200.0, 100.0],
            'plain': [400.0, 300.0, 1000.0],
            'plain_amp': [500.0, 600.0, 550.0],
            'read_ours': [3000.0, 3000.0, 3000.0],
            'read_mmpretrain': [200.0, 150.0, 300.0],
        },
        'peak_mb': {'ours': 1234.4, 'plain': 900.0},
    },
    'ranks': {
        'num_ranks': 2,
        'images_per_second': {
            'one process': [100.0, 100.0, 100.0],
            'ranks of one thread': [80.0, 90.0, 85.0],
        },
    },
    'stages': {
        'step': {
            'read': {'ms': 1.0, 'low': 0.9, 'high': 1.25, 'peak_mb': 512.3},
            'forward': {'ms': 3.0, 'low': 2.5, 'high': 3.5},
        },
        'run': {
            'step of a run': {'ms': 5.0, 'low': 4.0, 'high': 6.0},
            'hooks and logging': {'ms': 0.05},
        },
        'validation': {
            'images_per_second': 8000.0,
            'forward_images_per_second': 10_000.0,
            'ratio': 0.8,
            'ratio_low': 0.7,
            'ratio_high': 0.85,
        },
        'decoding': {
            'bare_loop_per_second': 20_000.0,
            'pictures_per_second_on_one_core': 19_000.0,
            'pictures_per_second_and_core_on_all': 15_000.0,
            'cores': 4,
            'ratio': 0.95,
            'ratio_on_all_cores': 0.75,
        },
    },
    'quality': {
        'target_f1': 0.9,
        'ours': [(5.0, 0.8), (10.04, 0.91)],
        'plain': [(30.0, 0.5), (61.0, 0.85)],
    },
    'growth': [
        {
            'images': 1000,
            'build_seconds': 0.5,
            'epoch_seconds': 2.0,
            'peak_mb': 700.0,
        },
        {
            'images': 20_000,
            'build_seconds': 9.0,
            'epoch_seconds': 50.0,
            'peak_mb': 710.6,
        },
    ],
}


def only(*parts):
    """The figures with some parts."""
    keys = ('machine', 'config', 'device', *parts)
    return copy.deepcopy({key: FOUND[key] for key in keys})


def rounded(ratio):
    return (*(round(value, 4) for value in ratio[1:4]), *ratio[4:])


# ratios


def test_ratios_are_taken_within_a_turn():
    ratios = {ratio.what: rounded(ratio) for ratio in list_ratios(FOUND)}
    plain = 'plain DataLoader loop'
    assert ratios == {
        # 5, 6, 11
        'ocec / stock mmpretrain': (6.0, 5.0, 11.0, '>= 5', True),
        # 2.5, 4, 1.1
        f'ocec / {plain}': (2.5, 1.1, 4.0, '>= 3.5', False),
        f'ocec / {plain}, bfloat16, channels-last': (2.0, 2.0, 2.0, '', None),
        # 1, 0.75, 1.1
        'ocec / pure compute: one resident batch': (1.0, 0.75, 1.1, '>= 0.95', True),
        'ocec / one resident batch, augmented at every step': (
            *(1.1, 1.0, 1.2),
            '',
            None,
        ),
        # 15, 20, 10; the target itself is enough
        'ocec, reading and augmentation only, one core / mmpretrain, reading and '
        'augmentation only, one core': (15.0, 10.0, 20.0, '>= 15', True),
        '2 ranks of one thread / one process': (0.85, 0.8, 0.9, '>= 0.85', True),
        'hooks and logging, share of a step': (0.01, 0.01, 0.01, '< 0.02', True),
        'validation / forward pass alone': (0.8, 0.7, 0.85, '>= 0.9', False),
        'building the cache on one core / bare loop of OpenCV': (
            *(0.95, 0.95, 0.95),
            '>= 0.9',
            True,
        ),
        'building the cache on 4 cores, per core / bare loop': (
            *(0.75, 0.75, 0.75),
            '',
            None,
        ),
    }


def test_the_gpu_has_targets_of_its_own():
    found = only('peers') | {'device': 'cuda'}
    targets = {ratio.what: ratio.target for ratio in list_ratios(found)}
    assert targets['ocec / plain DataLoader loop'] == '>= 20'
    assert targets['ocec / stock mmpretrain'] == ''
    assert targets['ocec / pure compute: one resident batch'] == '>= 0.95'


def test_a_share_at_its_limit_is_not_met():
    found = only('stages')
    found['stages']['run']['hooks and logging']['ms'] = 0.1
    (ratio,) = [r for r in list_ratios(found) if r.what.startswith('hooks')]
    assert (ratio.value, ratio.is_met) == (0.02, False)


@pytest.mark.parametrize(
    ('parts', 'number'),
    [((), 0), (('quality', 'growth'), 0), (('ranks',), 1), (('peers', 'ranks'), 7)],
)
def test_what_was_not_measured_is_left_out(parts, number):
    assert len(list_ratios(only(*parts))) == number


# the table


def test_the_table_starts_with_machine_and_ratios():
    lines = format_benchmark(FOUND).splitlines()
    assert lines[:7] == [
        'Measured on: processor Fast 3000, threads 2.',
        'Config: tiny.py.',
        '',
        '| ratio | median | lowest, highest | target |',
        '|---|---|---|---|',
        '| ocec / stock mmpretrain | 6 | 5, 11 | >= 5, met |',
        '| ocec / plain DataLoader loop | 2.5 | 1.1, 4 | >= 3.5, **not met** |',
    ]
    hooks = '| hooks and logging, share of a step | 0.01 | 0.01, 0.01 | < 0.02, met |'
    assert hooks in lines


def test_rates_and_stages_are_listed():
    lines = format_benchmark(FOUND).splitlines()
    for line in (
        '| ocec | 1,100 | 1,000, 1,200 | 1,234 |',
        # its peak is not known
        '| stock mmpretrain | 200 | 100, 200 |  |',
        '| read | 1.00 | 0.90, 1.25 | 25.0% | 512 |',
        '| forward | 3.00 | 2.50, 3.50 | 75.0% |  |',
        '| sum | 4.00 | | 100.0% | |',
        '| step of a run | 5.00 |',
        '| hooks and logging | 0.05 |',
    ):
        assert line in lines
    (text,) = [line for line in lines if line.startswith('Validation: ')]
    assert text == (
        'Validation: 8,000 images/s; the forward pass alone 10,000. Cache: 19,000 '
        'pictures/s on one core, 15,000 a core on all; a bare loop of OpenCV 20,000.'
    )


def test_quality_says_who_did_not_get_there():
    assert format_benchmark(only('quality')).splitlines()[3:] == [
        '| seconds to val F1 0.9 | seconds | epochs | F1 |',
        '|---|---|---|---|',
        '| ocec | 10.0 | 2 | 0.910 |',
        '| plain DataLoader loop | not within 61 | 2 | 0.850 |',
    ]


def test_growth_has_rates_and_peaks_where_they_are_known():
    found = only('growth')
    found['growth'][0]['peak_mb'] = None
    assert format_benchmark(found).splitlines()[3:] == [
        '| images | processes | table and cache, s | epoch, s | images/s '
        '| peak memory of a process, MB |',
        '|---|---|---|---|---|---|',
        '| 1,000 | 1 | 0.5 | 2.0 | 500 |  |',
        '| 20,000 | 1 | 9.0 | 50.0 | 400 | 711 |',
        '',
        'Time per image, the largest set / the smallest: 1.25.',
    ]


def test_growth_of_ranks_stands_below_that_of_one_process():
    found = only('growth')
    del found['growth'][1]
    found['growth'][0]['ranks'] = {
        'num_ranks': 2,
        'epoch_seconds': 1.6,
        'peak_mb': 512.4,
    }
    assert format_benchmark(found).splitlines()[-2:] == [
        '| 1,000 | 1 | 0.5 | 2.0 | 500 | 700 |',
        '| 1,000 | 2 ranks of one thread |  | 1.6 | 625 | 512 |',
    ]


def test_nothing_measured_is_a_machine_and_a_config():
    assert format_benchmark(only()).splitlines() == [
        'Measured on: processor Fast 3000, threads 2.',
        'Config: tiny.py.',
    ]


# the picture


def coloured_share(path):
    pixels = cv2.imread(str(path)).astype(int)
    return float((pixels.max(axis=2) - pixels.min(axis=2) > 30).mean())


@pytest.mark.parametrize(
    ('parts', 'height'),
    # 4.6 inches of 110 dots for each row of two drawings
    [
        (('peers', 'stages', 'quality', 'growth', 'ranks'), 1012),
        (('growth',), 506),
        (('stages', 'quality'), 506),
    ],
)
def test_each_part_that_was_measured_is_drawn(tmp_path, parts, height):
    draw_benchmark(only(*parts), tmp_path / 'benchmark.png')
    assert cv2.imread(str(tmp_path / 'benchmark.png')).shape == (height, 1540, 3)
    assert coloured_share(tmp_path / 'benchmark.png') > 0.001


def test_growth_is_drawn_without_peaks_too(tmp_path):
    found = only('growth')
    for entry in found['growth']:
        entry['peak_mb'] = None
    draw_benchmark(found, tmp_path / 'benchmark.png')
    assert (tmp_path / 'benchmark.png').is_file()


def test_nothing_measured_is_no_picture(tmp_path):
    draw_benchmark(only('ranks'), tmp_path / 'benchmark.png')
    assert not (tmp_path / 'benchmark.png').exists()
