"""Every reader of files that somebody else may have written, by name."""

import contextlib
import struct
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from onnx import helper

from ocec.apis.cfg_options import parse_cfg_options
from ocec.apis.eye_boxes import CsvBoxes
from ocec.apis.eye_boxes_deim import DeimDetector
from ocec.apis.eye_boxes_yunet import YuNetDetector
from ocec.apis.eye_classifier_sources import iterate_pictures
from ocec.apis.infer_video_read import open_video
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.apis.stored_config import write_stored_config
from ocec.datasets import cache
from ocec.datasets.action_split import read_names
from ocec.datasets.action_table import read_action_table
from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.pair_file import read_pairs
from ocec.datasets.picture_decode import decode_picture
from ocec.datasets.picture_reader import PictureReader
from ocec.datasets.samplers.hard_samples import read_hard_samples
from ocec.datasets.source_digits import read_source_digits
from ocec.datasets.video_reader import read_frames
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.model_settings import read_stored_model
from ocec.export.onnx_classifier import OnnxClassifier
from ocec.preparation.label_corrections import check_corrections, read_corrections
from ocec.preparation.list_csv import list_csv
from ocec.preparation.list_folder import list_folder
from ocec.preparation.list_parquet import list_parquet
from ocec.preparation.picture_places import read_pictures
from ocec.stacking.build import load_combiner
from ocec.synthesis.digit_sources import read_digits
from ocec.visualization.run_log import read_run
from ocec.visualization.run_settings import read_settings


def read_parquet(path: Path):
    """As a training does: the table, then each picture."""
    table = read_eye_table([path])
    if table.bad_rows:
        raise ValueError(str(table.bad_rows[0][1]))
    reader = PictureReader(table)
    return [reader.read(row).shape for row in range(len(table))]


def infer_parquet(path: Path):
    """As the inference does: what cannot be read is told row by row."""
    return [problem_of(picture) for picture in iterate_pictures(path)]


def problem_of(picture):
    try:
        return picture.decode().shape
    except ValueError as error:
        raise ValueError(f'{picture.path}, row {picture.row}: {error}') from error


def read_listing(listing):
    """What a converter reads of a listing: its pictures that have no problem."""
    problems = [entry.problem for entry in listing.entries if entry.problem]
    places = [(entry.file, entry.row) for entry in listing.entries if not entry.problem]
    return problems, [data[:60] for data in read_pictures(places)]


def write_config_of(path: Path):
    checkpoint = load_safely(path)
    target = path.with_name('config.py')
    read_stored_model(checkpoint.get('meta'))
    write_stored_config(checkpoint, path, target)
    return target.read_text()


def annotations(path: Path):
    """As a training with ``bad_clips='error'``."""
    table = read_action_table(path)
    if table.bad_clips:
        raise ValueError(f'{path}: {next(iter(table.bad_clips.values()))}')
    return table


def picture(path: Path):
    try:
        return decode_picture(np.fromfile(path, np.uint8)).shape
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


READERS = {
    'annotations': annotations,
    'checkpoint': load_safely,
    'stored_config': write_config_of,
    'pairs': read_pairs,
    'digits': read_digits,
    'source_digits': lambda path: read_source_digits(path, 'train'),
    'parquet': read_parquet,
    'infer_parquet': infer_parquet,
    'cache_key': lambda path: cache._fingerprint(read_eye_table([path])),
    'list_parquet': lambda path: read_listing(list_parquet(path)),
    'list_csv': lambda path: read_listing(list_csv(path)),
    'list_folder': lambda path: read_listing(list_folder(path.parent)),
    'onnx': OnnxClassifier,
    'deim': DeimDetector,
    'yunet': YuNetDetector,
    'video_av': lambda path: [x.shape for x in read_frames(path, [0], backend='av')],
    'video_cv': lambda path: [
        x.shape for x in read_frames(path, [0], backend='opencv')
    ],
    'infer_video': lambda path: [
        frame.image_HWC.shape for frame in open_video(str(path)).frames()
    ],
    'picture': picture,
    'run': lambda path: read_run(path.parent).messages,
    'settings': read_settings,
    'best': lambda path: choose_checkpoint([str(path.parent)]),
    'hard_samples': lambda path: read_hard_samples(path, default_weight=2.0),
    'boxes': CsvBoxes,
    'corrections': read_corrections,
    'corrected': lambda path: check_corrections([], path),
    'names': read_names,
    'ensemble': lambda path: load_combiner(path.parent, 'mean'),
    'cfg_options': lambda path: parse_cfg_options([path.read_text()]),
}


def prepare(folder: Path):
    """Let libraries load what they load at the first use."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    import av  # noqa: F401
    import onnx.shape_inference  # noqa: F401
    import onnxruntime  # noqa: F401
    import safetensors.torch  # noqa: F401

    bmp = b'BM' + struct.pack('<IIIIiiHHIIIIII', 0, 0, 54, 40, 8, 8, 1, 24, *[0] * 6)
    decode_picture(np.frombuffer(bmp + bytes(8 * 8 * 3), np.uint8))
    for number, content in enumerate((torch.nn.Linear(1, 1), {'meta': {'cfg': 'a=1'}})):
        path = folder / f'{number}.pth'
        torch.save(content, path)
        with contextlib.suppress(ValueError):
            write_config_of(path)
    image = helper.make_tensor_value_info('images', 1, [1, 3, 8, 8])
    found = helper.make_tensor_value_info('prob', 1, [1, 3, 8, 8])
    node = helper.make_node('Relu', ['images'], ['prob'])
    model = helper.make_model(helper.make_graph([node], 'g', [image], [found]))
    (folder / 'a.onnx').write_bytes(model.SerializeToString())
    for reader in ('onnx', 'deim', 'yunet'):
        with contextlib.suppress(ValueError):
            READERS[reader](folder / 'a.onnx')
    table = pa.table({'label': ['open'], 'image_bytes': [b'']})
    pq.write_table(table, folder / 'a.parquet')
    for reader in ('parquet', 'list_parquet', 'corrected'):
        with contextlib.suppress(ValueError):
            READERS[reader](folder / 'a.parquet')
