"""Fixtures of the tests of data: annotations and videos of actions."""

import pickle
from itertools import count
from pathlib import Path

import numpy as np
import pytest

FRAME_HW = (96, 128)
# gray of frame i, far enough apart for any codec
GRAY_STEP = 5


def gray_of(number: int) -> int:
    """Gray value of all pixels of a frame of a drawn video."""
    return 20 + GRAY_STEP * number


@pytest.fixture
def annotate():
    """Return a factory of annotations in the layout of mmaction2.

    Args of the factory:
        name: ``frame_dir``.
        label: of the action.
        frames: F.
        persons: P.
        joints: K.
        seed: of the joints, which lie in a box of 30 to 60 px.
        **fields: to use instead; None leaves a field out.
    """

    def make(
        name='clip', label=0, *, frames=30, persons=1, joints=17, seed=0, **fields
    ) -> dict:
        rng = np.random.default_rng(seed)
        shape = (persons, frames, joints)
        annotation = {
            'frame_dir': name,
            'label': label,
            'img_shape': FRAME_HW,
            'original_shape': FRAME_HW,
            'total_frames': frames,
            'keypoint': rng.uniform(30, 60, (*shape, 2)).astype(np.float16),
            'keypoint_score': rng.uniform(0.2, 1, shape).astype(np.float16),
            **fields,
        }
        return {key: value for key, value in annotation.items() if value is not None}

    return make


@pytest.fixture
def write_pickle(tmp_path):
    """Return a factory of annotation files: ``write(annotations, split=..., ...)``."""
    numbers = count()

    def write(annotations, split=None, **fields) -> Path:
        path = tmp_path / f'actions{next(numbers)}.pkl'
        content = annotations
        if split is not None or fields:
            content = {'split': split or {}, 'annotations': annotations, **fields}
        path.write_bytes(pickle.dumps(content, 4))
        return path

    return write


@pytest.fixture
def write_video():
    """Return a factory of videos; frame i is of one gray, ``20 + 5 i``.

    Args of the factory:
        path: its suffix chooses the format.
        num_frames: at most 45.
        frame_hw: even numbers.
        images: frames to write instead, (H, W, 3) uint8 RGB.
    """
    av = pytest.importorskip('av')

    def write(path, num_frames=30, *, frame_hw=FRAME_HW, images=None) -> Path:
        if images is None:
            images = [
                np.full((*frame_hw, 3), gray_of(number), np.uint8)
                for number in range(num_frames)
            ]
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), 'w') as container:
            stream = container.add_stream('mpeg4', rate=30)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt, stream.bit_rate = 'yuv420p', 4_000_000
            for image in images:
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def numbers_of():
    """Return a function that tells which frames of a drawn video some images are."""

    def tell(images) -> list[int]:
        means = np.asarray(images, np.float64).mean(axis=(-3, -2, -1))
        numbers = (means - gray_of(0)) / GRAY_STEP
        assert np.abs(numbers - numbers.round()).max() < 0.4
        return numbers.round().astype(int).tolist()

    return tell
