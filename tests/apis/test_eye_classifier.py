import itertools
import re
from concurrent.futures import Future

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import ocec.apis
from ocec.apis.eye_classifier import EyeClassifier
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.test import test as run_test
from ocec.engine.checkpoint_io import save_atomically


@pytest.fixture
def checkpoint(make_member, own_data):
    return make_member(own_data)


@pytest.fixture
def data(make_eye_parquet):
    return make_eye_parquet(num_rows=24, seed=3, split=['test'] * 24)


def write_pictures(file, folder):
    """Write the pictures of a parquet to files."""
    folder.mkdir()
    for row, encoded in enumerate(pq.read_table(file).column('image_bytes')):
        (folder / f'{row:03d}.png').write_bytes(encoded.as_py())
    return folder


def read_rgb(folder):
    files = sorted(folder.iterdir())
    return [cv2.imread(str(file))[..., ::-1] for file in files]


def test_it_is_found_at_the_door():
    assert ocec.apis.EyeClassifier is EyeClassifier
    with pytest.raises(AttributeError, match="no attribute 'EarClassifier'"):
        ocec.apis.EarClassifier  # noqa: B018


def test_every_way_in_gives_the_numbers_of_a_test(checkpoint, data, tmp_path):
    expected_N = score_checkpoint(checkpoint, data=data).scores['prob_B']
    folder = write_pictures(data, tmp_path / 'crops')
    crops = read_rgb(folder)
    classifier = EyeClassifier(checkpoint, batch_size=7, threads=1)
    for images in (
        data,
        str(folder),
        folder / '*.png',
        sorted(folder.iterdir()),
        crops,
        iter(crops),
        [file.read_bytes() for file in sorted(folder.iterdir())],
        [*crops[:5], folder / '005.png', crops[6:9], *sorted(folder.iterdir())[9:]],
    ):
        found = classifier.predict(images)
        np.testing.assert_allclose(found.prob_open_N, expected_N, atol=1e-6)
        np.testing.assert_array_equal(found.is_open_N, found.prob_open_N >= 0.5)
        assert found.prob_open_N.dtype == np.float32
        assert found.errors == [''] * len(found)
    np.testing.assert_allclose(classifier.predict_crops(crops), expected_N, atol=1e-6)


def test_the_csv_of_tools_test(checkpoint, data, tmp_path, write_config):
    out = tmp_path / 'test.csv'
    config = write_config(num_rows=4)
    run_test(config, checkpoint, data=str(data), work_dir=tmp_path / 'w', out=out)
    column = [float(line.rpartition(',')[2]) for line in out.read_text().split()[1:]]
    found = EyeClassifier(checkpoint).predict(data)
    np.testing.assert_allclose(found.prob_open_N, column, atol=1e-6)


def test_names_of_files_rows_and_arrays(checkpoint, data, tmp_path):
    folder = write_pictures(data, tmp_path / 'crops')
    images = [folder / '003.png', np.zeros((2, 9, 9, 3), np.uint8), data]
    found = EyeClassifier(checkpoint).predict(images)
    rows = [f'{data}#{row}' for row in range(24)]
    assert found.names == [f'{folder}/003.png', '1', '2', *rows]


@pytest.mark.parametrize('batch_size', [1, 2, 5])
def test_unreadable_ones_keep_their_place(checkpoint, data, tmp_path, batch_size):
    folder = write_pictures(data, tmp_path / 'crops')
    whole = EyeClassifier(checkpoint).predict(folder)
    for row in (0, 5, 6, 23):
        (folder / f'{row:03d}.png').write_bytes(b'broken')
    found = EyeClassifier(checkpoint, batch_size=batch_size).predict(folder)
    bad = [row for row, error in enumerate(found.errors) if error]
    assert bad == [0, 5, 6, 23]
    assert 'the picture cannot be decoded: no PNG, JPEG' in found.errors[5]
    assert np.isnan(found.prob_open_N[bad]).all()
    assert not found.is_open_N[bad].any()
    good = np.setdiff1d(np.arange(24), bad)
    np.testing.assert_allclose(
        found.prob_open_N[good], whole.prob_open_N[good], atol=1e-6
    )


def test_only_unreadable_ones(checkpoint, tmp_path):
    (found,) = EyeClassifier(checkpoint).stream([b'broken'])
    assert (found.state, found.row, found.is_open) == ('', 0, False)
    assert np.isnan(found.prob_open)


def test_threshold(checkpoint):
    images = np.random.default_rng(0).integers(0, 256, (9, 20, 30, 3), np.uint8)
    prob_N = EyeClassifier(checkpoint).predict(images).prob_open_N
    middle = float(np.median(prob_N))
    classifier = EyeClassifier(checkpoint, threshold=middle)
    assert (classifier.threshold, classifier.threshold_source) == (middle, 'as given')
    # the threshold itself is open
    assert classifier.predict(images).is_open_N.sum() == (prob_N >= middle).sum() >= 5
    assert EyeClassifier(checkpoint, threshold=0).predict(images).is_open_N.all()


def test_frames_of_a_camera_wait_for_no_others(checkpoint):
    taken = []
    frame = np.zeros((20, 30, 3), np.uint8)
    frames = (taken.append(n) or frame for n in itertools.count())
    stream = EyeClassifier(checkpoint, batch_size=2).stream(frames)
    for number, found in enumerate(itertools.islice(stream, 5)):
        assert found.row == number
        assert len(taken) == number // 2 * 2 + 2
    stream.close()


def test_files_are_read_two_batches_ahead_at_most(checkpoint, data, tmp_path):
    folder = write_pictures(data, tmp_path / 'crops')
    taken = []
    files = (taken.append(file) or file for file in sorted(folder.iterdir()))
    stream = EyeClassifier(checkpoint, batch_size=3).stream(files)
    next(stream)
    assert len(taken) == 6
    assert len([*stream]) == 23


def test_a_camera_may_write_into_the_same_memory(checkpoint):
    height, width = EyeClassifier(checkpoint).image_size
    frame = np.empty((height, width, 3), np.uint8)
    values = range(0, 250, 25)
    frames = (np.copyto(frame, value) or frame for value in values)
    separate = [np.full_like(frame, value) for value in values]
    classifier = EyeClassifier(checkpoint, batch_size=4)
    np.testing.assert_array_equal(
        classifier.predict(frames).prob_open_N, classifier.predict(separate).prob_open_N
    )


@pytest.mark.parametrize(
    ('images', 'error', 'message'),
    [
        ([], ValueError, 'no pictures: an empty list'),
        (iter(()), ValueError, 'no pictures: an empty list'),
        (np.zeros((0, 8, 8, 3), np.uint8), ValueError, 'the array has shape (0, 8'),
        (np.zeros((8, 8, 3)), ValueError, 'got float64; values in [0, 1] become'),
        (np.full((8, 8, 3), np.nan), ValueError, 'float64 with NaN in it'),
        ([np.zeros((8, 8, 4), np.uint8)], ValueError, 'item 0: a picture must be (h,'),
        (torch.zeros(1, 3, 8, 8), TypeError, 'got torch.Tensor; of uint8 (N, 3, h'),
        ('gone.png', FileNotFoundError, 'gone.png: no such file, folder or pattern'),
    ],
)
def test_what_is_no_picture_is_refused(checkpoint, images, error, message):
    with pytest.raises(error, match=re.escape(message)):
        EyeClassifier(checkpoint).predict(images)


def test_crops_of_a_frame(checkpoint):
    classifier = EyeClassifier(checkpoint)
    assert classifier.predict_crops([]).shape == (0,)
    crop = np.zeros((3, 2, 3), np.uint8)  # a face far away
    assert classifier.predict_crops([crop]).shape == (1,)
    with pytest.raises(ValueError, match=re.escape('crop 1: a picture has no pixels')):
        classifier.predict_crops([crop, crop[:0]])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'threshold': 1.5}, 'threshold must be in [0, 1], got 1.5'),
        ({'threshold': float('nan')}, 'threshold must be in [0, 1], got nan'),
        ({'batch_size': 0}, 'batch_size must be >= 1, got 0'),
        ({'threads': 0}, 'threads must be >= 1, got 0'),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        EyeClassifier('never-opened.pth', **arguments)


def test_a_network_that_gives_nan_is_told(checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    content['state_dict']['head.fc.bias'] += float('nan')
    save_atomically(content, checkpoint)
    message = r'best\.pth: the network gives NaN for pictures that can be read'
    with pytest.raises(ValueError, match=message):
        EyeClassifier(checkpoint).predict(np.zeros((8, 8, 3), np.uint8))


def test_decoders_are_gone_when_a_stream_is_closed(checkpoint, data, monkeypatch):
    stream = EyeClassifier(checkpoint, batch_size=2, threads=2).stream(data)
    results, result = [], Future.result
    monkeypatch.setattr(
        Future, 'result', lambda self: results.append(1) or result(self)
    )
    next(stream)
    stream.close()
    assert 0 < len(results) <= 2
    with pytest.raises(StopIteration):
        next(stream)
