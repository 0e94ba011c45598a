import json
import mmap
import re
from dataclasses import replace

import pytest

from ocec.apis.measure_reading import (
    BuildFigures,
    ReadingFigures,
    count_kept_bytes,
    extrapolate,
    format_figures,
    measure_batches,
    measure_build,
    measure_reading,
    read_memory,
)
from ocec.datasets import EyeParquet

SIZE = (8, 16)
MEMORY = {'anon_mb': 200.0, 'file_mb': 100.0, 'peak_mb': 310.0}
BUILT = BuildFigures(
    rows=100_000,
    table_seconds=0.25,
    built=True,
    cache_seconds=0.5,
    rows_per_second=2000.0,
    cache_bytes=614_400_000,
    start=MEMORY,
    end={'anon_mb': 230.5, 'file_mb': 99.0, 'peak_mb': 1240.0},
)
READ = ReadingFigures(
    images=800,
    open_seconds=0.125,
    num_batches=4,
    crops_per_second=(1e5, 2e5),
    crops_per_cpu_second=(3e5, 4e5),
    kept_bytes={'label_N': 1000, '_rows': 6400},
    kept_bytes_per_row=7.4,
    start=MEMORY,
    opened=MEMORY,
    end=MEMORY,
)


def own_memory(size):
    # not from the allocator, which may have memory to spare
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def test_both_are_measured_in_processes_of_their_own(
    make_eye_parquet, tmp_path, capsys
):
    file = make_eye_parquet(num_rows=40)
    settings = dict(image_size='8x16', batch_size=3, cache_dir=tmp_path / 'cache')
    out = tmp_path / 'new' / 'numbers.json'
    with own_memory(300_000_000) as ballast:
        ballast.write(b'1' * 300_000_000)
        before = read_memory()
        built, read = measure_reading(str(file), json_file=out, **settings)
    # what this process holds does not count
    for figures in (built, read):
        assert figures.start['anon_mb'] < before['anon_mb'] - 200
        assert figures.end['anon_mb'] - figures.start['anon_mb'] < 100
    assert (built.rows, built.built) == (40, True)
    assert built.cache_bytes == 40 * 8 * 16 * 3
    assert (read.images, read.num_batches) == (20, 7)
    content = json.loads(out.read_text())
    assert content['build'] == json.loads(json.dumps(vars(built)))
    assert content['reading']['kept_bytes'] == read.kept_bytes
    assert content['calculated_not_run']['rows'] == 10_000_000
    assert '10,000,000 rows (calculated, not run)' in capsys.readouterr().out


def test_a_cache_that_exists_has_no_speed(make_eye_parquet, tmp_path):
    file = make_eye_parquet(num_rows=8)
    first, second = (measure_build([file], SIZE, tmp_path) for _ in range(2))
    assert first.rows_per_second == pytest.approx(8 / first.cache_seconds)
    assert (second.built, second.rows_per_second) == (False, None)
    assert 'build_minutes' not in extrapolate(second, READ)
    assert format_figures(second, READ, extrapolate(second, READ), 4)[1].startswith(
        'build:   cache existed; cache 0.00 GB'
    )


@pytest.mark.parametrize(
    ('num_batches', 'sizes'),
    [(None, [3] * 6 + [2]), (2, [3, 3]), (9, [3] * 9)],
)
def test_batches_are_random_and_read_twice(
    make_eye_parquet, tmp_path, monkeypatch, num_batches, sizes
):
    file = make_eye_parquet(num_rows=40)  # 20 in train
    seen, real = [], EyeParquet.__getitems__

    def look(dataset, indices):
        seen.append(indices.tolist())
        return real(dataset, indices)

    monkeypatch.setattr(EyeParquet, '__getitems__', look)
    figures = measure_batches([file], 'train', SIZE, tmp_path, 3, num_batches)
    once = seen[: len(seen) // 2]
    assert seen == once * 2
    assert [len(batch) for batch in once] == sizes
    assert figures.num_batches == len(once)
    drawn = sum(once, [])[:20]
    assert len(set(drawn)) == len(drawn)
    assert drawn != sorted(drawn)
    assert min(figures.crops_per_second + figures.crops_per_cpu_second) > 0


def test_kept_bytes_are_those_of_the_arrays(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(num_rows=64), 'train', image_size=SIZE)
    kept = count_kept_bytes(dataset)
    # 64 rows, 32 of them in train; the start of the one file, and its end
    assert kept == {
        'first_row_F': 2 * 8,
        'split_N': 64,
        'label_N': 64,
        'group_N': 4 * 64,
        '_split_N': 64,
        '_rows': 4 * 32,
    }


def test_at_most_16_bytes_per_row_are_kept(make_eye_parquet):
    # all rows in one split: the most that there can be
    kept = [
        sum(count_kept_bytes(EyeParquet(file, 'train', image_size=SIZE)).values())
        for file in (
            make_eye_parquet(num_rows=num, splits={'train': 1.0}) for num in (40, 80)
        )
    ]
    assert 0 < kept[1] - kept[0] <= 16 * 40


def test_memory_is_that_of_the_process():
    before = read_memory()
    with own_memory(200_000_000) as ballast:
        ballast.write(b'1' * 200_000_000)
        after = read_memory()
    assert after['anon_mb'] - before['anon_mb'] == pytest.approx(200, abs=40)
    assert after['peak_mb'] >= after['anon_mb']


def test_ten_million_rows_are_calculated():
    calculated = extrapolate(BUILT, READ)
    assert calculated == {
        'rows': 10_000_000,
        'cache_gb': pytest.approx(61.44),
        'kept_mb': pytest.approx(160.0),
        'epoch_minutes': pytest.approx(1e7 / 2e5 / 60),
        'build_minutes': pytest.approx(1e7 / 2000 / 60),
    }


def test_figures_in_words():
    lines = format_figures(BUILT, READ, extrapolate(BUILT, READ), 256)
    assert lines == [
        'rows:    100,000, table read in 0.25 s',
        'build:   0.5 s, 2,000 rows/s; cache 0.61 GB',
        '  memory RssAnon 230 MB (+30.5 since the imports), RssFile 99 MB (-1.0), '
        'peak 1,240 MB',
        'reading: opened in 0.12 s; 4 random batches of 256, one thread',
        '  first pass 100,000 crops/s (300,000 per CPU second)',
        '  warm pass  200,000 crops/s (400,000 per CPU second)',
        '  memory RssAnon 200 MB (+0.0 since the imports), RssFile 100 MB (+0.0), '
        'peak 310 MB',
        '  kept by the data set: 7.4 bytes per row (label_N 1,000, _rows 6,400)',
        '10,000,000 rows (calculated, not run): cache 61.4 GB, at most 160 MB '
        'kept, built in 83.3 min, all read in 0.8 min if the cache is in memory',
    ]
    # neither is known of a large cache
    small = replace(BUILT, rows=10, rows_per_second=None, cache_bytes=61_440)
    assert format_figures(small, READ, extrapolate(small, READ), 256)[-1] == (
        '10,000,000 rows (calculated, not run): cache 61.4 GB, at most 160 MB kept'
    )


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(batch_size=0), 'batch_size must be >= 1, got 0'),
        (dict(num_batches=0), 'num_batches must be >= 1, got 0'),
        (dict(image_size='8x'), 'image_size must be'),
    ],
)
def test_wrong_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        measure_reading('gone.parquet', **settings)


def test_a_mistake_in_the_data_is_told_as_it_is(tmp_path):
    gone = str(tmp_path / 'gone.parquet')
    with pytest.raises(FileNotFoundError, match=re.escape(gone)):
        measure_reading(gone)
