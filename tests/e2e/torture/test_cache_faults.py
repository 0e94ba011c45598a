"""Caches of decoded pictures on disks that fail: whole, or told and not there."""

import errno
import os

import numpy as np
import pytest

from ocec.datasets.cache import open_decoded_cache
from ocec.datasets.eye_table import read_eye_table

NUM_FAULTS = int(os.environ.get('OCEC_TORTURE_FAULTS', '1'))
SIZE = (16, 32)
# the other kinds of disk do all they are asked to
ERRORS = {'full': errno.ENOSPC, 'broken': errno.EIO}


@pytest.fixture
def table(make_eye_parquet):
    return read_eye_table([make_eye_parquet(num_rows=600, groups=4)])


def open_cache(table, root):
    return open_decoded_cache(table, SIZE, root=root, log=len)


@pytest.fixture
def expected(table, tmp_path):
    opened = open_cache(table, tmp_path / 'good')
    return opened.images_NHWC.copy(), sorted(p.name for p in opened.folder.iterdir())


@pytest.mark.parametrize('kind', ['full', 'broken', 'short', 'slow'])
def test_no_half_cache_is_ever_used(
    table, expected, tmp_path, make_disk, report, monkeypatch, kind
):
    counts = tmp_path / 'faults'
    counts.touch()
    builds = errors = 0
    while counts.stat().st_size < NUM_FAULTS:
        root = tmp_path / f'{kind}{builds}'
        disk = make_disk(kind, seed=builds, share=0.3, counts=counts)
        before, error = counts.stat().st_size, None
        with monkeypatch.context() as patch:
            disk.put_in_place(patch.setattr)
            try:
                open_cache(table, root)
            except OSError as failure:
                error = failure
        is_hit = counts.stat().st_size > before
        assert (error is not None) == (is_hit and kind in ERRORS)
        if error is not None:
            errors += 1
            assert os.strerror(ERRORS[kind]) in str(error)
            assert str(root) in str(error)
            assert ('OCEC_CACHE_DIR' in str(error)) == (kind == 'full')
        # no trace of a build that failed
        assert not list(root.glob('.*.tmp'))
        opened = open_cache(table, root)
        np.testing.assert_array_equal(opened.images_NHWC, expected[0])
        assert sorted(p.name for p in opened.folder.iterdir()) == expected[1]
        builds += 1
    report.append(
        f'| cache, disk: {kind} | {counts.stat().st_size} faults, {errors} told | '
        f'{builds} caches, all whole |'
    )


@pytest.mark.parametrize('at', range(1, 8))
def test_a_build_that_is_killed_leaves_nothing_that_is_used(
    table, expected, tmp_path, make_disk, at
):
    root = tmp_path / 'killed'
    pid = os.fork()
    if not pid:
        make_disk('deadly', at=at).put_in_place()
        open_cache(table, root)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    np.testing.assert_array_equal(open_cache(table, root).images_NHWC, expected[0])
    assert not list(root.glob('.*.tmp'))
