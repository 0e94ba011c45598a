import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.apis.convert_data import convert_data
from ocec.apis.errors import ConfigError
from ocec.datasets import EyeParquet
from ocec.preparation import picture_places

ROOT = Path(__file__).parents[2]


def write_picture(path, seed, height=20, width=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return pixels


@pytest.fixture
def eyes(tmp_path):
    """Five subjects with four open and four closed eyes each."""
    for number in range(40):
        folder = f's{number // 8}/{("closed", "open")[number % 2]}'
        write_picture(tmp_path / 'eyes' / folder / f'{number:04d}.png', number)
    return tmp_path / 'eyes'


def convert(source, out, **settings):
    sources = source if isinstance(source, list) else [source]
    force = settings.pop('force', False)
    return convert_data(sources, out, settings=settings, jobs=1, force=force)


def snapshot(folder):
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.iterdir()
        if path.is_file()
    }


def test_a_folder_becomes_a_parquet_without_leak(eyes, tmp_path, capsys):
    [path] = convert(eyes, tmp_path / 'out')
    assert path == tmp_path / 'out' / 'dataset.parquet'
    rows = pq.read_table(path).to_pylist()
    assert [row['image_path'] for row in rows] == sorted(
        f'eyes/{p.relative_to(eyes).as_posix()}' for p in eyes.rglob('*.png')
    )
    first = rows[0]
    assert first['image_bytes'] == (eyes / 's0/closed/0000.png').read_bytes()
    assert (first['label'], first['class_id'], first['group']) == ('closed', 0, 's0')
    pairs = {(row['group'], row['split']) for row in rows}
    assert len(pairs) == 5
    told = capsys.readouterr().out
    assert '40 pictures in folders open/ and closed/' in told
    assert 'train        32   80.0%   80.0%       4   50.0%' in told
    assert f'written: {path}, 40 rows' in told


def test_the_dataset_reads_what_is_written(eyes, tmp_path):
    for store in ('bytes', 'paths'):
        [path] = convert(eyes, tmp_path / f'{store}.parquet', store=store)
        train = EyeParquet(path, 'train', image_size=(20, 40), cache_dir=tmp_path / 'c')
        images = train.__getitems__(range(len(train)))['inputs']
        names = train.image_paths(train.indices_of([0]) * 0)
        pixels = cv2.imread(str(tmp_path / names[0]))[..., ::-1]
        assert len(train) == 32
        np.testing.assert_array_equal(images[0].permute(1, 2, 0).numpy(), pixels)


def test_two_processes_write_the_same(eyes, tmp_path, monkeypatch):
    monkeypatch.setattr(picture_places, 'FILES_PER_CHUNK', 8)  # work for both
    one = convert(eyes, tmp_path / 'one.parquet', max_rows_per_file=16)
    settings = {'max_rows_per_file': 16}
    two = convert_data([eyes], tmp_path / 'two.parquet', settings=settings, jobs=2)
    assert [path.name for path in one] == [f'one_000{i}.parquet' for i in (1, 2, 3)]
    for first, second in zip(one, two, strict=True):
        assert pq.read_table(first).equals(pq.read_table(second))


def test_what_is_unchanged_is_left_alone(eyes, tmp_path, capsys):
    out = tmp_path / 'out' / 'eyes.parquet'
    files = convert(eyes, out, max_rows_per_file=16)
    before = snapshot(out.parent)
    assert convert(eyes, out, max_rows_per_file=16) == files
    assert f'{out}: up to date, nothing to do' in capsys.readouterr().out
    assert snapshot(out.parent) == before


def test_each_change_is_named_and_stale_shards_go(eyes, tmp_path, capsys):
    out = tmp_path / 'out' / 'eyes.parquet'
    convert(eyes, out, max_rows_per_file=8)
    convert(eyes, out, max_rows_per_file=30)
    told = capsys.readouterr().out
    assert f'{out}: is made again: max_rows_per_file was 8, is 30' in told
    write_picture(eyes / 's0/open/new.png', 100)
    files = convert(eyes, out, max_rows_per_file=30)
    assert 'is made again: the sources have changed' in capsys.readouterr().out
    assert sum(pq.read_metadata(file).num_rows for file in files) == 41
    files[0].unlink()
    convert(eyes, out, max_rows_per_file=30)
    assert 'eyes_0001.parquet is missing' in capsys.readouterr().out
    assert sorted(path.name for path in out.parent.iterdir()) == [
        'eyes.convert.json',
        'eyes_0001.parquet',
        'eyes_0002.parquet',
    ]


def test_a_parquet_is_split_anew_only_if_asked(make_eye_parquet, tmp_path, capsys):
    source = make_eye_parquet(num_rows=400)
    out = tmp_path / 'new.parquet'
    with pytest.raises(
        ValueError, match='already; add --resplit to divide anew by ran'
    ):
        convert(source, out, split='random')
    [path] = convert(source, out)
    assert pq.read_table(path)['split'] == pq.read_table(source)['split']
    capsys.readouterr()

    ratios = {'train': 0.5, 'val': 0.25, 'test': 0.25}
    [path] = convert(source, out, split='random', resplit=True, ratios=ratios)
    told = capsys.readouterr().out
    assert 'WARNING: THIS SPLIT LEAKS' in told
    assert 'groups are in more than one split: s0' in told
    old, new = (pq.read_table(file).to_pylist() for file in (source, path))
    without_split = [{**row, 'split': ''} for row in old]
    assert [{**row, 'split': ''} for row in new] == without_split
    splits = [row['split'] for row in new]
    counts = {name: splits.count(name) for name in ratios}
    assert counts == {'train': 200, 'val': 100, 'test': 100}


def test_near_duplicates_become_groups(make_eye_parquet, tmp_path, capsys):
    ramp = np.linspace(0, 250, 40).astype(np.uint8)
    kinds = [ramp, ramp[::-1], np.roll(ramp, 20), np.roll(ramp[::-1], 20)]
    pictures = [
        cv2.imencode('.png', np.tile(kinds[row % 4], (20, 1)) // (1 + row // 4))[1]
        for row in range(8)
    ]
    pictures = [picture.tobytes() for picture in pictures]
    source = make_eye_parquet(num_rows=8, group=None, split=None, image_bytes=pictures)
    [path] = convert(source, tmp_path / 'new.parquet', group_by='near-duplicates')
    groups = pq.read_table(path)['group'].to_pylist()
    # the second kind mirrors the first, the fourth the third
    assert groups == [f'alike{row:07d}' for row in (0, 0, 2, 2)] * 2
    told = '8 pictures without a group form 2 of near duplicates, the largest of 4, 0'
    assert told in capsys.readouterr().out


@pytest.fixture
def hostile(eyes):
    """Four pictures that cannot be used among the others, and one to convert."""
    folder = eyes / 's0' / 'open'
    whole = (folder / '0001.png').read_bytes()
    (folder / 'empty.png').write_bytes(b'')
    (folder / 'cut.png').write_bytes(whole[:100])
    write_picture(folder / 'point.png', 0, 1, 1)
    with open(os.fsencode(folder) + b'/x\xff.png', 'wb') as stream:
        stream.write(whole)
    cv2.imwrite(str(folder / 'deep.png'), np.full((20, 40, 3), 51_400, np.uint16))
    return eyes


def test_bad_pictures_stop_the_conversion_and_are_listed(hostile, tmp_path):
    message = (
        r'4 of 45 pictures cannot be used:\n  eyes/s0/open/x\\xff.png: the file name is'
    )
    with pytest.raises(ValueError, match=message):
        convert(hostile, tmp_path / 'new.parquet')
    report = (tmp_path / 'new.bad_rows.csv').read_text().splitlines()
    assert report[0] == 'image_path,source,problem'
    assert sorted(report[1:]) == [
        'eyes/s0/open/cut.png,eyes,cut off after 100 bytes',
        'eyes/s0/open/empty.png,eyes,the file is empty (0 bytes)',
        'eyes/s0/open/point.png,eyes,1 x 1 pixels: at least 4 x 4 are needed',
        'eyes/s0/open/x\\xff.png,eyes,the file name is not UTF-8; rename it',
    ]
    assert not (tmp_path / 'new.parquet').exists()


def test_bad_pictures_are_left_out_if_asked(hostile, tmp_path, capsys):
    [path] = convert(hostile, tmp_path / 'new.parquet', bad_rows='skip')
    told = capsys.readouterr().out
    assert 'WARNING: 4 of 45 pictures left out' in told
    assert 'converted, 16 bits: high byte kept: 1' in told
    rows = {row['image_path']: row for row in pq.read_table(path).to_pylist()}
    assert len(rows) == 41
    data = rows['eyes/s0/open/deep.png']['image_bytes']
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    # 51,400 = 200 * 257
    assert (image.dtype, image.min(), image.max()) == (np.uint8, 200, 200)


def test_filters_say_what_they_drop(eyes, tmp_path, capsys):
    for number in range(20):
        write_picture(eyes / f's1/open/high{number}.png', number, height=35)
    [path] = convert(eyes, tmp_path / 'new.parquet', max_size=(30, 80))
    assert pq.read_metadata(path).num_rows == 40
    told = capsys.readouterr().out
    line = 'filter max_size 30 x 80 drops 0 of 20 closed (0.0%), 20 of 40 open (50.0%)'
    assert line in told
    assert 'WARNING: filter max_size 30 x 80 drops the classes unequally' in told
    with pytest.raises(ValueError, match='the filters leave no picture'):
        convert(eyes, tmp_path / 'new.parquet', min_size=(100, 100))


def test_several_lists_with_duplicates(eyes, tmp_path, capsys):
    rows = sorted(
        f'{p.relative_to(eyes)},{int(p.parent.name == "open")},{p.parts[-3]}'
        for p in eyes.rglob('*.png')
    )
    (eyes / 'a.csv').write_text('\n'.join(rows[:25]))
    (eyes / 'b.csv').write_text('\n'.join(['path,label,group', *rows[20:]]))
    [path] = convert([eyes / 'a.csv', eyes / 'b.csv'], tmp_path / 'new.parquet')
    assert pq.read_metadata(path).num_rows == 40
    told = capsys.readouterr().out
    assert '5 pictures are given twice with one label' in told
    assert set(pq.read_table(path)['source'].to_pylist()) == {'a', 'b'}


def test_gaps_are_left_out(eyes, tmp_path, capsys):
    settings = {'split': 'time', 'gap': 1, 'ratios': {'train': 0.5, 'val': 0.5}}
    [path] = convert(eyes, tmp_path / 'new.parquet', **settings)
    assert pq.read_metadata(path).num_rows == 35
    assert '5 rows in gaps left out' in capsys.readouterr().out


def test_foreign_outputs_need_force(eyes, tmp_path):
    out = tmp_path / 'new.parquet'
    out.write_bytes(b'mine')
    with pytest.raises(FileExistsError, match='was not made by this tool; .*--force'):
        convert(eyes, out)
    assert out.read_bytes() == b'mine'
    convert(eyes, out, force=True)
    assert pq.read_metadata(out).num_rows == 40


def test_outputs_that_were_edited_need_force(eyes, tmp_path):
    [out] = convert(eyes, tmp_path / 'new.parquet')
    rows = pq.read_table(out).slice(0, 7)
    pq.write_table(rows, out)
    message = 'new.parquet was changed after this tool wrote it; .*--force'
    with pytest.raises(FileExistsError, match=message):
        convert(eyes, out, seed=1)
    assert pq.read_metadata(out).num_rows == 7
    convert(eyes, out, force=True, seed=1)
    assert pq.read_metadata(out).num_rows == 40


def test_files_in_the_way_of_shards_need_force(eyes, tmp_path, capsys):
    [out] = convert(eyes, tmp_path / 'new.parquet')
    mine = tmp_path / 'new_0001.parquet'
    mine.write_bytes(b'mine')
    message = 'new_0001.parquet is no part of the output made before; .*--force'
    with pytest.raises(FileExistsError, match=message):
        convert(eyes, out, max_rows_per_file=20)
    assert mine.read_bytes() == b'mine'
    assert convert(eyes, out) == [out]  # up to date: nothing is overwritten
    third, other = (tmp_path / f'new_{name}.parquet' for name in ('0003', '2024'))
    for path in (third, other):
        path.write_bytes(b'old')
    capsys.readouterr()
    files = convert(eyes, out, max_rows_per_file=20, force=True)
    told = capsys.readouterr().out
    for stale in (out, third):
        assert f'removed, of an earlier output: {stale}' in told
    assert sorted(tmp_path.glob('*.parquet')) == [*files, other]


def test_a_split_without_rows_writes_nothing(eyes, tmp_path):
    with pytest.raises(ValueError, match='"val" was asked for and is empty'):
        convert(eyes, tmp_path / 'new.parquet', split='time', gap=100)
    assert not (tmp_path / 'new.parquet').exists()


def test_a_folder_that_cannot_be_read_stops_or_is_told(
    make_eye_parquet, eyes, tmp_path, monkeypatch, capsys
):
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith('s1'):
            raise PermissionError(13, 'Permission denied', str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(ValueError, match='eyes/s1/: the folder cannot be read: Permi'):
        convert(eyes, tmp_path / 'new.parquet')
    [path] = convert(eyes, tmp_path / 'new.parquet', bad_rows='skip')
    assert pq.read_metadata(path).num_rows == 32
    assert 'eyes/s1/: the folder cannot be read' in capsys.readouterr().out


def test_bad_rows_do_not_decide_on_the_split(eyes, tmp_path, capsys):
    for number in range(40):
        split = 'val' if number < 8 else 'train'
        folder = eyes / f's{number // 8}' / ('closed', 'open')[number % 2]
        target = eyes.parent / 'two' / split / folder.relative_to(eyes)
        target.mkdir(parents=True, exist_ok=True)
        (folder / f'{number:04d}.png').rename(target / f'{number:04d}.png')
    write_picture(tmp_path / 'two' / 'stray.png', 1)
    [path] = convert(tmp_path / 'two', tmp_path / 'new.parquet', bad_rows='skip')
    assert 'split: keep' in capsys.readouterr().out
    rows = pq.read_table(path).to_pylist()
    assert {row['group'] for row in rows if row['split'] == 'val'} == {'s0'}


def test_a_source_is_never_overwritten(make_eye_parquet):
    source = make_eye_parquet(num_rows=8)
    for force in (False, True):
        with pytest.raises(ValueError, match='is a source; write to another name'):
            convert(source, source, resplit=True, force=force)


def test_a_split_that_is_not_there_cannot_be_kept(eyes, tmp_path):
    with pytest.raises(ValueError, match='40 of 40 rows have no split to keep'):
        convert(eyes, tmp_path / 'new.parquet', split='keep')


def test_wrong_settings_are_a_usage_error(eyes, tmp_path):
    with pytest.raises(ConfigError, match='error: seed must be >= 0, got -1'):
        convert(eyes, tmp_path / 'new.parquet', seed=-1)
    with pytest.raises(ConfigError, match=r'must be a .parquet file or a folder, got'):
        convert(eyes, tmp_path / 'new.csv')


def test_options_that_do_nothing_for_kept_splits_are_a_usage_error(
    make_eye_parquet, tmp_path
):
    with pytest.raises(ConfigError, match='--seed .* with --split keep: write --split'):
        convert(make_eye_parquet(num_rows=8), tmp_path / 'new.parquet', seed=3)


def test_nothing_left_is_told(tmp_path):
    (tmp_path / 'eyes' / 'open').mkdir(parents=True)
    (tmp_path / 'eyes' / 'open' / 'a.png').write_bytes(b'')
    with pytest.raises(ValueError, match='no picture is left'):
        convert(tmp_path / 'eyes', tmp_path / 'new.parquet', bad_rows='skip', seed=1)


# the last rows wait, so that there is time to kill in the middle of writing
SLOW = """
import sys, time
import ocec.apis.convert_data as module

def slow(rows, **_):
    for number, row in enumerate(rows):
        if number == 10:
            print('writing', flush=True)
            time.sleep(30)
        yield row

module.track = lambda rows, **options: (
    slow(rows) if options['what'] == 'writing rows' else rows)
module.convert_data([sys.argv[1]], sys.argv[2], jobs=1)
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_a_killed_run_leaves_the_old_output(eyes, tmp_path, number, capsys):
    out = tmp_path / 'out' / 'eyes.parquet'
    convert(eyes, out)
    before = snapshot(out.parent)
    write_picture(eyes / 's0/open/new.png', 100)
    process = subprocess.Popen(
        [sys.executable, '-c', SLOW, str(eyes), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {'PYTHONPATH': str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while process.stdout.readline().strip() != 'writing':
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(timeout=10) != 0
    process.stdout.close()
    after = snapshot(out.parent)
    assert {name: after[name] for name in before} == before
    convert(eyes, out)
    assert pq.read_metadata(out).num_rows == 41
    assert snapshot(out.parent).keys() == before.keys()  # no leftovers
    settings = json.loads((out.parent / 'eyes.convert.json').read_text())['settings']
    assert settings['store'] == 'bytes'
