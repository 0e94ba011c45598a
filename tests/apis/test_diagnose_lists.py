import csv

import numpy as np
from torch.utils.data import Dataset

from ocec.apis.diagnose_lists import draw_list, write_list
from ocec.datasets.eye_parquet import EyeParquet
from ocec.preparation.contact_sheet import GAP, LINE_HEIGHT, PICTURE_HW
from ocec.visualization.sample_lists import SampleList


def samples_of(index, value=None):
    value = np.arange(len(index)) / 4 if value is None else np.array(value)
    return SampleList('some', 'by hand', np.array(index), value, 'doubt', len(index))


def scores_of(dataset):
    size = len(dataset)
    return {
        'prob_B': np.linspace(0, 1, size, dtype=np.float32),
        'label_B': dataset.labels.astype(np.int64),
        'sample_id_B': dataset.rows.astype(np.int64),
        'group_id_B': dataset.table.group_N[dataset.rows].astype(np.int64),
    }


def test_lines_are_keyed_by_id_and_path(tmp_path, make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=(32, 64))
    assert len(dataset) == 16
    first = int(dataset.rows[0])
    write_list(samples_of([15, 2]), scores_of(dataset), dataset, tmp_path / 'a.csv')
    # rows alternate between closed and open; 4 rows per subject
    assert list(csv.reader((tmp_path / 'a.csv').open())) == [
        ['sample_id', 'path', 'group', 'label', 'prob', 'doubt'],
        [
            str(first + 15),
            f'images/{first + 15:05d}.png',
            f's{(first + 15) // 4:03d}',
            'open',
            '1.000000',
            '0',
        ],
        [
            str(first + 2),
            f'images/{first + 2:05d}.png',
            f's{(first + 2) // 4:03d}',
            'closed',
            f'{2 / 15:.6f}',
            '0.25',
        ],
    ]


def test_embedded_pictures_are_named_by_file_and_row(tmp_path, make_eye_parquet):
    path = make_eye_parquet(image_path=None)
    dataset = EyeParquet(path, 'val', image_size=(32, 64))
    write_list(samples_of([0]), scores_of(dataset), dataset, tmp_path / 'a.csv')
    [_, line] = csv.reader((tmp_path / 'a.csv').open())
    assert line[1] == f'{path}#{dataset.rows[0]}'
    assert draw_list(samples_of([0]), scores_of(dataset), dataset, num=3) is not None


def test_an_empty_list_is_a_header(tmp_path):
    empty = {name: np.empty(0, int) for name in ('sample_id_B', 'group_id_B')}
    scores = {**empty, 'label_B': np.empty(0, int), 'prob_B': np.empty(0)}
    samples = samples_of(np.empty(0, int))
    write_list(samples, scores, Dataset(), tmp_path / 'a.csv')
    assert len((tmp_path / 'a.csv').read_text().splitlines()) == 1
    assert draw_list(samples, scores, Dataset(), num=3) is None


def test_a_montage_has_the_first_of_each_label_in_a_line_of_its_own(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=(32, 64))
    # open are the odd ones; 4 of them come before the first closed one
    sheet = draw_list(
        samples_of([1, 3, 5, 7, 0, 2, 4]), scores_of(dataset), dataset, num=3
    )
    step_x = PICTURE_HW[1] + 2 * GAP
    step_y = PICTURE_HW[0] + 2 * LINE_HEIGHT + 2 * GAP
    # 3 closed and 3 open fill a line of 6
    assert sheet.shape == (step_y, 6 * step_x, 3)
    pictures = dataset.__getitems__([0, 2, 4, 1, 3, 5])['inputs'].numpy()
    for column, picture in enumerate(pictures):
        # the picture is 84 high where it is 32: its centre is that of the place
        y, x = GAP + PICTURE_HW[0] // 2, column * step_x + GAP + PICTURE_HW[1] // 2
        assert sheet[y, x].tolist() == picture[:, 16, 32].tolist()
