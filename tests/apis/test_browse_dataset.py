import re

import cv2
import numpy as np
import pytest

from ocec.apis.browse_dataset import browse_dataset, choose_pictures
from ocec.apis.errors import ConfigError


def test_sheets_and_page(write_config, tmp_path, capsys):
    out = tmp_path / 'sheets'
    written = browse_dataset(write_config(num_rows=40), out_dir=out, num=3)
    steps = ('00_file', '01_BatchRandomFlip', '02_BatchPhotometricDistort')
    steps += ('03_BatchRandomCLAHE', '04_whole_list')
    names = [f'{s}_{label}.png' for s in steps for label in ('closed', 'open')]
    assert [path.name for path in written] == [*names, 'index.html']
    assert sorted(path.name for path in out.iterdir()) == [*names, 'index.html']
    for path in written[:-1]:
        sheet = cv2.imread(str(path))
        assert sheet is not None
        # 3 sets of 2 tiles in a line; 6 tiles a line for the variants
        assert sheet.shape[1] == 6 * 180
    page = written[-1].read_text()
    text = re.sub(r'base64,[A-Za-z0-9+/=]+', '', page)
    assert 'http' not in text
    assert text.count('<img src="data:image/png;') == len(names)
    assert 'BatchPhotometricDistort(prob=0.5). Here with prob 1; the config has' in text
    assert '<b>before normalisation</b>' in text
    assert 'mean 119.8, 118.8, 119.6' in text
    assert text.count('Normalised range: ') == len(steps)
    assert 'Augmentation is for training only' not in text
    output = capsys.readouterr().out
    assert '6 pictures of train: 20 images (10 closed, 10 open), 5 groups' in output
    assert re.search(r'04_whole_list: normalised -\d\.\d\d to \d\.\d\d', output)


def test_page_is_the_same_for_the_same_seed(write_config, tmp_path):
    config = write_config(num_rows=24)
    pages = [
        browse_dataset(config, out_dir=tmp_path / name, num=2, seed=seed)[
            -1
        ].read_text()
        for name, seed in (('a', 1), ('b', 1), ('c', 2))
    ]
    assert pages[0] == pages[1] != pages[2]


def test_one_class_of_another_split(write_config, tmp_path):
    config = write_config(num_rows=40)
    written = browse_dataset(
        config, out_dir=tmp_path / 'out', split='test', num=2, classes='open'
    )
    assert all(path.stem.endswith('_open') for path in written[:-1])
    page = written[-1].read_text()
    assert 'test: 8 images' in page
    assert 'Augmentation is for training only' in page


def test_sheets_of_an_earlier_call_are_removed(write_config, tmp_path):
    config, out = write_config(num_rows=24), tmp_path / 'out'
    browse_dataset(config, out_dir=out, num=1)
    (out / 'mine.png').write_bytes(b'')
    option = 'model.data_preprocessor.batch_augments=[]'
    written = browse_dataset(
        config, out_dir=out, num=1, classes='closed', cfg_options=[option]
    )
    assert [path.name for path in written] == ['00_file_closed.png', 'index.html']
    assert sorted(path.name for path in out.iterdir()) == [
        '00_file_closed.png',
        'index.html',
        'mine.png',
    ]


def test_other_data(write_config, make_eye_parquet, tmp_path):
    data = make_eye_parquet(num_rows=16, split=['train'] * 16)
    written = browse_dataset(
        write_config(num_rows=24), out_dir=tmp_path / 'out', data=str(data), num=1
    )
    assert f'train: 16 images (8 closed, 8 open), 4 groups, from {data}' in (
        written[-1].read_text()
    )


def test_choice_of_pictures():
    label_N = np.arange(100) % 2
    both = choose_pictures(label_N, 5, 'both', seed=0)
    assert label_N[both].tolist() == [0] * 5 + [1] * 5
    assert len(set(both)) == 10
    assert choose_pictures(label_N, 5, 'open', seed=0) == both[5:]
    assert choose_pictures(label_N, 5, 'closed', seed=0) == both[:5]
    assert choose_pictures(label_N, 5, 'both', seed=1) != both
    assert choose_pictures(label_N, 80, 'open', seed=0) == list(range(1, 100, 2))
    with pytest.raises(ValueError, match="no picture of class 'open' to show"):
        choose_pictures(np.zeros(4, int), 5, 'open', seed=0)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(num=0), 'num must be >= 1, got 0'),
        (dict(classes='half'), r"classes must be one of .*'both'\], got 'half'"),
        (dict(split='vla'), 'the config has no vla_dataloader'),
        (dict(data='gone.parquet'), 'gone.parquet: no such parquet file'),
    ],
)
def test_wrong_arguments(write_config, tmp_path, settings, message):
    config = write_config(num_rows=24)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        browse_dataset(config, out_dir=tmp_path / 'out', **settings)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            "model['data_preprocessor'] = dict(_delete_=True, type='Other')",
            'data_preprocessor must be an ImagePreprocessor .* got Other',
        ),
        (
            "train_dataloader['dataset'] = dict(_delete_=True, type='ConcatDataset', "
            'datasets=[dict(type="EyeParquet", data={data!r}, split="train", '
            'image_size=(32, 64))])',
            'train_dataloader.dataset must be an EyeParquet .* got ConcatDataset',
        ),
    ],
)
def test_config_of_another_kind(
    write_config, make_eye_parquet, tmp_path, text, message
):
    data = str(make_eye_parquet(num_rows=24))
    config = write_config(text.replace('{data!r}', repr(data)), num_rows=24)
    with pytest.raises(ConfigError, match=message):
        browse_dataset(config, out_dir=tmp_path / 'out', no_check=True)
