"""Expected pictures: a loop of cv2.imdecode and cv2.resize, one row at a time."""

import csv
import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
import zlib
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets import cache as cache_module
from ocec.datasets.cache import (
    default_cache_root,
    footer_sha256,
    open_decoded_cache,
)
from ocec.datasets.eye_table import read_eye_table
from ocec.functional import file_ops

SIZE = (16, 32)
CHECKERBOARD = np.kron(np.indices((6, 10)).sum(0) % 2, np.ones((3, 3))).astype(np.uint8)


def png(image_hwc):
    """Encode an RGB, RGBA or grey picture."""
    swap = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
    if image_hwc.ndim == 3:
        image_hwc = image_hwc[..., swap[image_hwc.shape[2]]]
    return cv2.imencode('.png', image_hwc)[1].tobytes()


def plain(*rgb):
    """Encode a picture of one colour."""
    return png(np.full((12, 20, 3), rgb, np.uint8))


def huge_png():
    """Encode a header of 40,000 x 40,000 pixels."""
    encoded = plain(0, 0, 0)
    header = b'IHDR' + struct.pack('>II', 40_000, 40_000) + encoded[24:29]
    checksum = struct.pack('>I', zlib.crc32(header))
    return encoded[:12] + header + checksum + encoded[33:]


def decode_by_loop(encoded_rows, size=SIZE, flag=cv2.INTER_LINEAR):
    images = []
    for encoded in encoded_rows:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        images.append(cv2.resize(image, size[::-1], interpolation=flag)[..., ::-1])
    return np.stack(images)


def entries(root):
    """Names of all folders of a cache root, hidden ones too."""
    return sorted(path.name for path in root.iterdir() if path.is_dir())


@pytest.fixture
def open_cache(tmp_path):
    """Open the cache of a parquet file below its own root; ``.log`` has the lines."""

    def open_it(*files, size=SIZE, **kwargs):
        return open_decoded_cache(
            read_eye_table(files),
            size,
            root=open_it.root,
            log=open_it.log.append,
            **kwargs,
        )

    open_it.root = tmp_path / 'cache_root'
    open_it.log = []
    return open_it


# content


@pytest.mark.parametrize(
    ('interpolation', 'flag'),
    [('bilinear', cv2.INTER_LINEAR), ('area', cv2.INTER_AREA)],
)
def test_pictures_equal_a_loop_over_all_files(
    make_eye_parquet, open_cache, monkeypatch, interpolation, flag
):
    files = [make_eye_parquet(num_rows=70, seed=s) for s in (0, 1)]
    # many small tasks, and row groups that do not fit them
    monkeypatch.setattr(cache_module, 'ROWS_PER_TASK', 5)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {0, 1})
    pq.write_table(pq.read_table(files[0]), files[0], row_group_size=7)
    encoded = [
        row for f in files for row in pq.read_table(f)['image_bytes'].to_pylist()
    ]
    cache = open_cache(*files, interpolation=interpolation)
    assert cache.images_NHWC.dtype == np.uint8
    np.testing.assert_array_equal(cache.images_NHWC, decode_by_loop(encoded, flag=flag))
    assert cache.bad_rows == ()
    assert not (cache.folder / 'bad_rows.csv').exists()


def test_channels_are_red_green_blue(make_eye_parquet, open_cache):
    file = make_eye_parquet(num_rows=1, image_bytes=[plain(250, 100, 10)])
    assert (open_cache(file).images_NHWC == [250, 100, 10]).all()


def test_grey_transparent_and_jpeg_pictures_become_three_channels(
    make_eye_parquet, open_cache
):
    grey = CHECKERBOARD * 255
    rgba = np.dstack([np.full((12, 20, 3), (9, 8, 7)), np.zeros((12, 20))])
    encoded = [
        png(grey),
        png(rgba.astype(np.uint8)),
        cv2.imencode('.jpg', np.full((12, 20, 3), 77, np.uint8))[1].tobytes(),
        cv2.imencode('.png', grey.astype(np.uint16) * 257)[1].tobytes(),
    ]
    file = make_eye_parquet(num_rows=4, image_bytes=encoded)
    images = open_cache(file, size=grey.shape).images_NHWC
    assert (images[0] == grey[..., None]).all()
    assert (images[1] == (9, 8, 7)).all()
    assert (images[2] == 77).all()
    assert (images[3] == images[0]).all()


def test_the_pictures_cannot_be_overwritten(make_eye_parquet, open_cache):
    images = open_cache(make_eye_parquet(num_rows=4)).images_NHWC
    with pytest.raises(ValueError, match='read-only'):
        images[0] = 0


def test_an_empty_file_has_an_empty_cache(make_eye_parquet, open_cache):
    assert open_cache(make_eye_parquet(num_rows=0)).images_NHWC.shape == (0, 16, 32, 3)


# where pictures come from


def test_paths_are_relative_to_their_own_file(make_eye_parquet, open_cache, tmp_path):
    colours, files = [(200, 0, 0), (0, 200, 0)], []
    for name, colour in zip('ab', colours, strict=True):
        picture = tmp_path / name / 'pictures' / 'one.png'
        picture.parent.mkdir(parents=True)
        picture.write_bytes(plain(*colour))
        files.append(
            make_eye_parquet(
                tmp_path / name / 'eyes.parquet',
                num_rows=2,
                image_path=['pictures/one.png', r'pictures\one.png'],
                image_bytes=None,
            )
        )
    images = open_cache(*files).images_NHWC
    assert images[:, 0, 0].tolist() == [[200, 0, 0]] * 2 + [[0, 200, 0]] * 2


def test_embedded_bytes_come_first_and_paths_fill_the_gaps(
    make_eye_parquet, open_cache, tmp_path
):
    (tmp_path / 'p.png').write_bytes(plain(1, 2, 3))
    file = make_eye_parquet(
        num_rows=2, image_path=['p.png'] * 2, image_bytes=[plain(4, 5, 6), None]
    )
    images = open_cache(file).images_NHWC
    assert images[:, 0, 0].tolist() == [[4, 5, 6], [1, 2, 3]]


UNREADABLE = 'the picture cannot be decoded'
NO_PICTURE = 'no PNG, JPEG, WebP, BMP, GIF, TIFF file: it begins with'
HUGE = 'the picture has 40000x40000 pixels, more than 16,777,216: this is no eye crop'


def test_pictures_that_cannot_be_read_are_listed(
    make_eye_parquet, open_cache, tmp_path
):
    truncated = plain(1, 2, 3)[:28]
    good = make_eye_parquet(num_rows=2)
    bad = make_eye_parquet(
        num_rows=7,
        image_bytes=[b'', b'text', truncated, None, None, huge_png(), plain(9, 9, 9)],
        image_path=[None, None, None, 'gone.png', '', None, None],
        class_id=[0, 1, 0, 1, 0, 1, 5],
        label=None,
    )
    for _ in ('built', 'opened'):
        cache = open_cache(good, bad)
        assert [(row, b.row, b.problem) for row, b in cache.bad_rows] == [
            (2, 0, f'{UNREADABLE}: the file is empty (0 bytes)'),
            (3, 1, f"{UNREADABLE}: {NO_PICTURE} b'text'"),
            (4, 2, f'{UNREADABLE}: cut off after 28 bytes'),
            (5, 3, f'{tmp_path / "gone.png"}: No such file or directory'),
            (6, 4, 'neither image_bytes nor image_path'),
            (7, 5, HUGE),
        ]
        assert not cache.images_NHWC[2:8].any()
        assert (cache.images_NHWC[8] == 9).all()
    assert len(open_cache.log) == 1
    # the report for the user has the rows with bad columns too
    with open(cache.folder / 'bad_rows.csv', newline='') as stream:
        report = list(csv.reader(stream))
    assert report[0] == ['file', 'row', 'problem']
    assert [row[:2] for row in report[1:]] == [[str(bad), str(n)] for n in range(7)]
    assert report[7][2] == 'class_id must be 0 (closed) or 1 (open), got 5'


# when it is built


def test_a_second_opening_builds_nothing(make_eye_parquet, open_cache, monkeypatch):
    file = make_eye_parquet(num_rows=8)
    first = open_cache(file)
    stat = (first.folder / 'images.npy').stat()
    # on a read-only disk no lock can be taken
    monkeypatch.setattr(cache_module, '_locked', None)
    second = open_cache(file)
    assert second.folder == first.folder
    again = (second.folder / 'images.npy').stat()
    assert (again.st_ino, again.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert len(open_cache.log) == 1
    assert open_cache.log[0].startswith('decoded 8 images to 16x32 in ')
    assert open_cache.log[0].endswith(f'cache: {first.folder}')


def test_each_size_and_interpolation_has_its_own(make_eye_parquet, open_cache):
    file = make_eye_parquet(num_rows=4)
    opened = [
        open_cache(file, size=size, interpolation=interpolation)
        for size in (SIZE, (32, 16))
        for interpolation in ('bilinear', 'area')
    ]
    assert len({cache.folder for cache in opened}) == len(open_cache.log) == 4
    assert opened[2].images_NHWC.shape == (4, 32, 16, 3)
    open_cache(file)
    assert len(open_cache.log) == 4


def test_a_changed_parquet_is_decoded_anew(make_eye_parquet, open_cache):
    ones, twos = (  # uncompressed, so that both files have one length
        cv2.imencode('.bmp', np.full((12, 20, 3), value, np.uint8))[1].tobytes()
        for value in (1, 2)
    )
    file = make_eye_parquet(num_rows=4, image_bytes=[ones] * 4)
    open_cache(file)
    stat = file.stat()
    # the same time too, as after a careless copy
    make_eye_parquet(file, num_rows=4, image_bytes=[twos] * 4)
    assert file.stat().st_size == stat.st_size
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (open_cache(file).images_NHWC == 2).all()
    os.utime(file)
    open_cache(file)
    assert len(open_cache.log) == 3


@pytest.mark.parametrize('image_bytes', ['column is missing', 'partly null'])
def test_a_changed_picture_file_is_decoded_anew(
    make_eye_parquet, open_cache, tmp_path, image_bytes
):
    picture = tmp_path / 'p.png'
    embedded = None
    if image_bytes == 'partly null':
        embedded = [plain(7, 7, 7), None]
    file = make_eye_parquet(
        num_rows=2, image_path=['x.png', 'p.png'], image_bytes=embedded
    )
    last_row = [open_cache(file).images_NHWC[1].max()]
    for colour in (50, 60):
        picture.write_bytes(plain(colour, colour, colour))
        os.utime(picture, ns=(colour, colour))
        last_row.append(open_cache(file).images_NHWC[1].max())
    open_cache(file)
    assert last_row == [0, 50, 60]
    assert len(open_cache.log) == 3


def test_picture_files_do_not_matter_when_all_rows_carry_their_own(
    make_eye_parquet, open_cache, tmp_path
):
    file = make_eye_parquet(num_rows=2, image_path=['p.png'] * 2)
    open_cache(file)
    (tmp_path / 'p.png').write_bytes(plain(1, 2, 3))
    open_cache(file)
    assert len(open_cache.log) == 1


BUILD = """
import sys, time
from pathlib import Path
from ocec.datasets import cache
from ocec.datasets.eye_table import read_eye_table
from ocec.functional import file_ops

file, root, ready, other = map(Path, sys.argv[1:])
table, decode_all = read_eye_table([file]), cache._decode_all

def slow(*args):
    time.sleep(0.4)  # long enough for the other one to ask meanwhile
    return decode_all(*args)

cache._decode_all = slow
ready.touch()
while not other.exists():
    time.sleep(0.01)
opened = cache.open_decoded_cache(table, (16, 32), root=root)
print(opened.images_NHWC.sum())
"""


def test_two_processes_build_once(make_eye_parquet, tmp_path):
    file, root = make_eye_parquet(num_rows=16), tmp_path / 'root'
    ready = [tmp_path / 'ready0', tmp_path / 'ready1']
    children = [
        subprocess.Popen(
            [sys.executable, '-c', BUILD, file, root, *order],
            stdout=subprocess.PIPE,
            text=True,
        )
        for order in (ready, ready[::-1])
    ]
    printed = [child.communicate(timeout=60)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    logged = [line for lines in printed for line in lines if 'decoded' in line]
    expected = decode_by_loop(pq.read_table(file)['image_bytes'].to_pylist())
    assert [lines[-1] for lines in printed] == [str(expected.sum())] * 2
    assert len(logged) == 1
    assert len(entries(root)) == 1


KILLED = """
import os, sys
from pathlib import Path
from ocec.datasets import cache
from ocec.datasets.eye_table import read_eye_table
from ocec.functional import file_ops

cache._decode_all = lambda *args: os._exit(9)
table = read_eye_table([Path(sys.argv[1])])
cache.open_decoded_cache(table, (16, 32), root=Path(sys.argv[2]))
"""


def test_what_a_killed_builder_left_is_removed(make_eye_parquet, open_cache):
    file, root = make_eye_parquet(num_rows=8), open_cache.root
    child = subprocess.run([sys.executable, '-c', KILLED, file, root], check=False)
    assert child.returncode == 9
    (leftover,) = entries(root)
    assert leftover.startswith('.')
    assert open_cache(file).images_NHWC.any()
    assert len(entries(root)) == 1
    assert leftover not in entries(root)


def test_a_cache_that_lost_its_manifest_is_built_anew(make_eye_parquet, open_cache):
    file = make_eye_parquet(num_rows=8)
    folder = open_cache(file).folder
    (folder / 'manifest.json').unlink()
    assert open_cache(file).folder == folder
    assert json.loads((folder / 'manifest.json').read_text())['rows'] == 8
    assert len(open_cache.log) == 2


# failures


@pytest.mark.parametrize(
    'error', [PermissionError(errno.EACCES, 'read-only'), KeyboardInterrupt()]
)
@pytest.mark.parametrize('step', ['_decode_all', 'rename'])
def test_a_failure_leaves_no_half_cache(
    make_eye_parquet, open_cache, monkeypatch, error, step
):
    file = make_eye_parquet(num_rows=8)

    def fail(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        target = file_ops if step == 'rename' else cache_module
        patch.setattr(target, step, fail)
        with pytest.raises(type(error)):
            open_cache(file)
    assert entries(open_cache.root) == []
    assert open_cache.log == []
    assert open_cache(file).images_NHWC.any()


Usage = namedtuple('Usage', 'total used free')


@pytest.mark.parametrize('missing', [0, 1])
def test_the_disk_must_hold_every_pixel(
    make_eye_parquet, open_cache, monkeypatch, missing
):
    usage = Usage(total=0, used=0, free=8 * 16 * 32 * 3 - missing)
    monkeypatch.setattr(cache_module.shutil, 'disk_usage', lambda _: usage)
    file = make_eye_parquet(num_rows=8)
    if not missing:
        assert open_cache(file).images_NHWC.any()
        return
    # told before an hour of decoding, not after
    monkeypatch.setattr(cache_module, '_decode_all', None)
    with pytest.raises(OSError, match='Choose another disk'):
        open_cache(file)
    assert entries(open_cache.root) == []


def test_a_disk_that_fills_up_is_an_error_and_not_a_crash(
    make_eye_parquet, open_cache, monkeypatch
):
    # another program takes the space that was free a moment ago
    def fail(descriptor, start, length):
        assert (start, length) == (0, os.fstat(descriptor).st_size)
        assert length > 8 * 16 * 32 * 3  # the pixels and a header
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'posix_fallocate', fail)
    monkeypatch.setattr(cache_module, '_decode_all', None)
    message = (
        f'{open_cache.root}: the decoded cache needs 0.0 GB .No space left on device.. '
        'Choose another disk with the environment variable OCEC_CACHE_DIR'
    )
    with pytest.raises(OSError, match=message):
        open_cache(make_eye_parquet(num_rows=8))
    assert entries(open_cache.root) == []


def test_a_disk_that_fills_up_while_decoding_is_an_error(
    make_eye_parquet, open_cache, monkeypatch
):
    # on a disk that cannot reserve blocks
    def fail(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(file_ops, 'write_at', fail)
    message = f'{open_cache.root}: the decoded cache needs 0.0 GB .No space left on'
    with pytest.raises(OSError, match=message):
        open_cache(make_eye_parquet(num_rows=8))
    assert entries(open_cache.root) == []


def test_building_maps_no_pictures(make_eye_parquet, open_cache, monkeypatch):
    # touched pages would count as memory of the process, up to the size of the cache
    decode_all, mapped = cache_module._decode_all, []

    def look(*args):
        bad_rows = decode_all(*args)
        mapped.append(str(open_cache.root) in Path('/proc/self/maps').read_text())
        return bad_rows

    monkeypatch.setattr(cache_module, '_decode_all', look)
    opened = open_cache(make_eye_parquet(num_rows=8))
    assert str(open_cache.root) in Path('/proc/self/maps').read_text()  # now it is
    assert opened.images_NHWC.any()
    assert mapped == [False]


def test_a_disk_without_reservation_will_do(make_eye_parquet, open_cache, monkeypatch):
    def fail(*args):
        raise OSError(errno.EOPNOTSUPP, 'Operation not supported')

    monkeypatch.setattr(os, 'posix_fallocate', fail)
    assert open_cache(make_eye_parquet(num_rows=8)).images_NHWC.any()


def test_every_block_is_on_the_disk_before_decoding(
    make_eye_parquet, open_cache, monkeypatch
):
    decode_all, blocks = cache_module._decode_all, []

    def look(table, images_NHWC, *args):
        [file] = open_cache.root.glob('.*.tmp/images.npy')
        blocks.append(file.stat().st_blocks * 512)
        return decode_all(table, images_NHWC, *args)

    monkeypatch.setattr(cache_module, '_decode_all', look)
    open_cache(make_eye_parquet(num_rows=64))
    assert blocks[0] >= 64 * 16 * 32 * 3


def test_the_disk_error_says_how_much(make_eye_parquet, open_cache, monkeypatch):
    usage = Usage(total=0, used=0, free=500_000_000)
    monkeypatch.setattr(cache_module.shutil, 'disk_usage', lambda _: usage)
    # 8 images of 10,000 x 10,000 pixels, 3 bytes each: 2.4 GB
    message = (
        f'{open_cache.root}: the decoded cache needs 2.4 GB, 0.5 GB are free. '
        'Choose another disk with the environment variable OCEC_CACHE_DIR or the '
        'dataset argument cache_dir'
    )
    with pytest.raises(OSError, match=message):
        open_cache(make_eye_parquet(num_rows=8), size=(10_000, 10_000))


def test_an_unknown_interpolation_is_refused(make_eye_parquet, open_cache):
    message = r"interpolation must be one of \['area', 'bilinear'\], got 'cubic'"
    with pytest.raises(ValueError, match=message):
        open_cache(make_eye_parquet(num_rows=2), interpolation='cubic')


# where it lies


def test_the_root_follows_the_environment(monkeypatch):
    monkeypatch.setenv('HOME', '/home/somebody')
    monkeypatch.setenv('OCEC_CACHE_DIR', '~/fast')
    assert default_cache_root() == Path('/home/somebody/fast')
    monkeypatch.delenv('OCEC_CACHE_DIR')
    monkeypatch.setenv('XDG_CACHE_HOME', '/xdg')
    assert default_cache_root() == Path('/xdg/ocec')
    monkeypatch.delenv('XDG_CACHE_HOME')
    assert default_cache_root() == Path('/home/somebody/.cache/ocec')


def test_without_a_root_the_default_one_is_used(
    make_eye_parquet, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv('OCEC_CACHE_DIR', str(tmp_path / 'chosen'))
    opened = open_decoded_cache(read_eye_table([make_eye_parquet(num_rows=2)]), SIZE)
    assert opened.folder.parent == tmp_path / 'chosen'
    assert 'decoded 2 images' in capsys.readouterr().out


@pytest.mark.parametrize('num_bytes', [0, 10, 65_536, 70_000])
def test_the_footer_is_the_last_64_kib(tmp_path, num_bytes):
    content = np.random.default_rng(0).bytes(num_bytes)
    file = tmp_path / 'any.bin'
    file.write_bytes(content)
    assert footer_sha256(file) == hashlib.sha256(content[-65_536:]).hexdigest()


def test_large_binary_columns_are_read(make_eye_parquet, open_cache):
    encoded = pa.array([plain(3, 4, 5)], pa.large_binary())
    images = open_cache(make_eye_parquet(num_rows=1, image_bytes=encoded)).images_NHWC
    assert (images == [3, 4, 5]).all()


def test_a_root_that_cannot_be_made_names_the_way_out(make_eye_parquet, tmp_path):
    (tmp_path / 'file').write_text('')
    table = read_eye_table([make_eye_parquet()])
    with pytest.raises(OSError, match='cannot be made .*OCEC_CACHE_DIR'):
        open_decoded_cache(table, (8, 8), root=tmp_path / 'file' / 'cache')


@pytest.mark.parametrize('target', ['touch', 'mkdir'])
def test_a_root_that_cannot_be_written_names_the_way_out(
    make_eye_parquet, open_cache, monkeypatch, target
):
    table = read_eye_table([make_eye_parquet(num_rows=4)])
    open_cache.root.mkdir()
    real = getattr(Path, target)

    def fail(path, *args, **kwargs):  # as for a user who may only read
        if path.parent == open_cache.root:
            raise PermissionError(errno.EACCES, 'Permission denied')
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, target, fail)
    message = f'{open_cache.root}: .* written to .Permission denied.*OCEC_CACHE_DIR'
    with pytest.raises(OSError, match=message):
        open_decoded_cache(table, SIZE, root=open_cache.root)
    assert entries(open_cache.root) == []


def test_a_damaged_parquet_leaves_no_cache(make_eye_parquet, open_cache):
    file = make_eye_parquet(num_rows=8)
    table = read_eye_table([file])
    content = bytearray(file.read_bytes())
    column = pq.ParquetFile(file).metadata.row_group(0).column(6)
    assert column.path_in_schema == 'image_bytes'
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + 400] = bytes(400)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: damaged from row 0 on: '):
        open_decoded_cache(table, SIZE, root=open_cache.root)
    assert entries(open_cache.root) == []
