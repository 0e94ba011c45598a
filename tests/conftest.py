"""Fixtures of all tests: no test touches the user's cache or needs real data."""

import importlib.util
import json
import logging
import os
import shutil
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from mmengine.logging import MMLogger

from ocec.engine.metrics_file import MetricsFile

ROWS_PER_SUBJECT = 4
DEFAULT_SPLITS = {'train': 0.5, 'val': 0.25, 'test': 0.25}


@pytest.fixture(scope='session', autouse=True)
def _own_cache_folder(tmp_path_factory):
    """Keep decoded caches out of the user's home; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OCEC_CACHE_DIR', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='session', autouse=True)
def _one_thread():
    """Tiny tensors: more threads only fight over the cores."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture
def real_data() -> Path:
    """Folder of real data, for the few tests that want some."""
    folder = os.environ.get('OCEC_TEST_DATA')
    if not folder:
        pytest.skip('set OCEC_TEST_DATA to a folder that holds eyes/mrl.parquet')
    return Path(folder)


@pytest.fixture(scope='session')
def epam_conv3d():
    """The module ``tests/golden/epam_conv3d.py``: EPAM-Net with Conv3d."""
    path = Path(__file__).parent / 'golden' / 'epam_conv3d.py'
    spec = importlib.util.spec_from_file_location('epam_conv3d', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def log_records():
    """List that fills with the records of the current mmengine logger.

    ``caplog`` cannot see them: MMLogger does not propagate.
    """
    records: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        def emit(self, record):
            records.append(record)

    logger, collector = MMLogger.get_current_instance(), Collector()
    logger.addHandler(collector)
    yield records
    logger.removeHandler(collector)


def encode_png(image_hwc: np.ndarray) -> bytes:
    """Encode an (h, w, 3) uint8 RGB picture."""
    ok, encoded = cv2.imencode('.png', image_hwc[..., ::-1])
    assert ok
    return encoded.tobytes()


def draw_eye(label: int, rng: np.random.Generator) -> np.ndarray:
    """Draw an (h, w, 3) uint8 RGB eye of random size: disc if open, line if closed."""
    height, width = int(rng.integers(12, 21)), int(rng.integers(20, 37))
    # skin: red above blue, so that a swap of the channels shows
    image = rng.normal((150, 110, 90), 6, (height, width, 3))
    image = image.clip(0, 255).astype(np.uint8)
    centre = (width // 2, height // 2)
    if label:
        cv2.circle(image, centre, height // 3, (40, 30, 20), thickness=-1)
    else:
        left, right = (2, centre[1]), (width - 3, centre[1])
        cv2.line(image, left, right, (40, 30, 20), thickness=1)
    return image


@pytest.fixture
def make_eye_parquet(tmp_path):
    """Return a factory of tiny OCEC parquet files.

    Subjects are whole in one split, and each has both classes, by turns.

    Args of the factory:
        path: where to write; a new name in ``tmp_path`` if not given.
        num_rows: rows.
        seed: of the pictures.
        splits: share of the subjects of each split.
        groups: number of subjects; one for every 4 rows if not given.
        **overrides: columns to use instead, as a list or an arrow array, or None to
            leave a column out.

    Returns of the factory: the path.
    """
    numbers = count()

    def make(
        path=None, *, num_rows=64, seed=0, splits=None, groups=None, **overrides
    ) -> Path:
        if path is None:
            path = tmp_path / f'eyes{next(numbers)}.parquet'
        rng = np.random.default_rng(seed)
        labels = [row % 2 for row in range(num_rows)]
        num_subjects = groups or max(1, num_rows // ROWS_PER_SUBJECT)
        subjects = [row * num_subjects // num_rows for row in range(num_rows)]
        split_of = _split_of_subjects(num_subjects, splits or DEFAULT_SPLITS)
        columns = {
            'split': [split_of[subject] for subject in subjects],
            'label': [('closed', 'open')[label] for label in labels],
            'class_id': labels,
            'image_path': [f'images/{row:05d}.png' for row in range(num_rows)],
            'source': ['drawn'] * num_rows,
            'group': [f's{subject:03d}' for subject in subjects],
            'image_bytes': [encode_png(draw_eye(label, rng)) for label in labels],
        }
        columns.update(overrides)
        columns = {name: rows for name, rows in columns.items() if rows is not None}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        return Path(path)

    return make


def _split_of_subjects(num_subjects: int, splits: dict[str, float]) -> list[str]:
    """Split of each subject, in blocks of the given shares."""
    bounds = np.cumsum(list(splits.values())) * num_subjects
    names = list(splits)
    return [
        names[min(int(np.searchsorted(bounds, s + 0.5)), len(names) - 1)]
        for s in range(num_subjects)
    ]


@pytest.fixture
def make_pair_folder(tmp_path):
    """Return a factory of folders of digit pairs, of bars as wide as the digit.

    Args of the factory:
        counts: pairs of train, val, stack and test.
        per_digit: source images of each digit.
        seed: of the images.
        **settings: further fields of ``PairSettings``.

    Returns of the factory: the path.
    """
    # the room is imported by those tests only that draw pairs
    from ocec.synthesis.digit_pairs import SPLITS, PairSettings, write_pairs
    from ocec.synthesis.digit_sources import DigitImages

    numbers = count()

    def make(counts=(32, 16, 16, 16), *, per_digit=20, seed=0, **settings) -> Path:
        rng = np.random.default_rng(seed)
        digits = np.tile(np.arange(10, dtype=np.int8), per_digit)
        bars = np.arange(28) < 4 + 2 * digits[:, None, None]
        pixels = (bars * rng.integers(100, 256, (len(digits), 28, 28))).astype(np.uint8)
        settings = {'per_block': 1, **settings}
        chosen = PairSettings(dict(zip(SPLITS, counts, strict=True)), **settings)
        folder = tmp_path / f'pairs{next(numbers)}'
        write_pairs(DigitImages(pixels, digits, 'drawn'), folder, chosen, log=len)
        return folder

    return make


REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def write_config(tmp_path, make_eye_parquet):
    """Return a factory of configs that train the smallest model on drawn eyes.

    Args of the factory:
        text: Python text put at the end of the config.
        **parquet: arguments of ``make_eye_parquet``.

    Returns of the factory: the path of the config.
    """
    numbers = count()

    def write(text: str = '', **parquet) -> Path:
        data = make_eye_parquet(**parquet)
        path = tmp_path / f'tiny{next(numbers)}.py'
        bases = [
            'models/ocec_baseline.py',
            'datasets/eye.py',
            'schedules/adamw_cosine_20e.py',
            'default_runtime.py',
        ]
        folder = REPOSITORY / 'configs' / '_base_'
        loaders = '\n'.join(
            f'{split}_dataloader = dict(batch_size=16, dataset=dict('
            f'data={str(data)!r}, split={split!r}))'
            for split in ('train', 'val', 'test')
        )
        path.write_text(
            f'_base_ = {[str(folder / base) for base in bases]}\n'
            'model = dict(backbone=dict(base_channels=8, num_blocks=2))\n'
            f'{loaders}\n'
            'train_cfg = dict(max_epochs=2)\n'
            # half a second each; whoever wants them says so in the text
            'default_hooks = dict(diagnostics=None)\n'
            "custom_hooks = [dict(type='EMAHook', decay=0.99)]\n"
            f'work_dir = {str(tmp_path / "run")!r}\n'
            f'{text}\n'
        )
        return path

    return write


@pytest.fixture
def make_work_dir(tmp_path):
    """Return a factory of work_dirs as a training leaves them.

    Args of the factory:
        name: of the folder.
        f1: F1 of each validation; one epoch of 10 batches each.
        train_loss: of each epoch; falls from 1 if not given.
        val_loss: of each validation; 0.1 above the training loss if not given.
        seconds: that an epoch of training takes; a validation takes a tenth.
        seed: of the run.
        settings: lines of the dumped config.
        val_set: what its fingerprint holds beside the counts.
        **values: more of the validation, one for each epoch.

    Returns of the factory: the folder.
    """

    def make(
        name='run',
        *,
        f1=(0.5, 0.8, 0.9),
        train_loss=None,
        val_loss=None,
        seconds=60.0,
        seed=1,
        settings='model = dict(width=8)',
        val_set='a',
        **values,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        losses = train_loss or [1 / epoch for epoch in range(1, len(f1) + 1)]
        columns = {
            'eye/f1': f1,
            'eye/loss': val_loss or [loss + 0.1 for loss in losses],
            'seconds': [seconds / 10] * len(f1),
            **values,
        }
        log = MetricsFile(folder / 'metrics.jsonl')
        for index, loss in enumerate(losses):
            place = (index + 1, 10 * (index + 1))
            pace = {'lr': 0.1 / (index + 1), 'seconds_per_batch': seconds / 10}
            log.append('train', *place, {'loss': loss, 'grad_norm': 2.0, **pace})
            log.append('train_epoch', *place, {'loss': loss, 'seconds': seconds})
            found = {key: column[index] for key, column in columns.items()}
            log.append('val', *place, found)
        (folder / 'config.py').write_text(
            f'{settings}\nrandomness = dict(seed={seed})\n'
            f'train_cfg = dict(max_epochs={len(f1)})\n'
        )
        session = {
            'seed': seed,
            'ranks': 1,
            'threads': 1,
            'device': 'x86_64',
            'python': '3.11',
            'packages': {'ocec': '0.1.0', 'torch': '2.6'},
            'git': None,
            'data': {
                'train': {'closed': 30, 'open': 40},
                'val': {'closed': 3, 'open': 4, 'sha': val_set},
            },
        }
        (folder / 'provenance.json').write_text(json.dumps({'sessions': [session]}))
        return folder

    return make


@pytest.fixture
def make_action_dir(make_work_dir):
    """Return a factory of work_dirs of runs on actions.

    Args of the factory:
        name: of the folder.
        train: top-1 of all streams in each epoch of training.
        val: the same of each validation.
        **kwargs: of ``make_work_dir``.

    Returns of the factory: the folder.
    """

    def make(name='run', *, train=(0.4, 0.7, 0.9), val=(0.5, 0.8, 0.75), **kwargs):
        streams = {f'acc/{s}_top1': [v - 0.1 for v in val] for s in ('rgb', 'pose')}
        folder = make_work_dir(name, f1=val, **(streams | kwargs))
        log = folder / 'metrics.jsonl'
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            if line['phase'] == 'val':
                line['acc/fused_top1'] = line.pop('eye/f1')
                line['acc/loss'] = line.pop('eye/loss')
            else:
                line['fused_top1'] = train[line['epoch'] - 1]
        log.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
        return folder

    return make


CHROMIUM_ARGUMENTS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]


@pytest.fixture(scope='session')
def chromium():
    """Headless Chromium, driven by Playwright; skipped where it is not installed."""
    program = shutil.which('chromium') or shutil.which('chromium-browser')
    if program is None:
        pytest.skip('no chromium: install it to open the pages in a real browser')
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open an HTML file; at the end the page must have had no error and no request.

    ``open_page(path)`` returns Playwright's page.
    """
    complaints, contexts = [], []

    def open_file(path: Path):
        context = chromium.new_context(viewport={'width': 1400, 'height': 1000})
        contexts.append(context)
        page = context.new_page()
        page.on('pageerror', lambda error: complaints.append(f'error: {error}'))
        page.on(
            'console',
            lambda message: (
                complaints.append(f'console: {message.text}')
                if message.type in ('error', 'warning')
                else None
            ),
        )
        page.on(
            'request',
            lambda request: (
                complaints.append(f'request: {request.url[:200]}')
                if not request.url.startswith(('file:', 'data:', 'blob:'))
                else None
            ),
        )
        page.goto(Path(path).resolve().as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert complaints == []
