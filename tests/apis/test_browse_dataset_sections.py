import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from mmengine.registry import init_default_scope

from ocec.apis.browse_dataset_sections import (
    NUM_VARIANTS,
    SectionMaker,
    describe_settings,
    make_sections,
)
from ocec.datasets.eye_parquet import EyeParquet
from ocec.models.batch_augments import BatchRandomFlip
from ocec.models.data_preprocessors import ImagePreprocessor

SIZE = (16, 32)
MEAN, STD = [100.0, 110.0, 120.0], [40.0, 50.0, 60.0]
FLIP = dict(type='BatchRandomFlip', prob=0.01)
ERASE = dict(type='BatchRandomErasing', prob=0.5, fill=0)
MIX = dict(augments=[dict(type='mmpretrain.Mixup', alpha=1.0)])


@pytest.fixture
def make_maker(make_eye_parquet):
    init_default_scope('ocec')

    def make(augments=(), mix=None, *, seed=0, **dataset):
        path = make_eye_parquet(num_rows=24)
        images = EyeParquet(path, 'train', image_size=SIZE, **dataset)
        preprocessor = ImagePreprocessor(
            MEAN, STD, batch_augments=augments, mix_augments=mix
        )
        return SectionMaker(images, preprocessor, [0, 3, 8], seed=seed)

    return make


def pixels(section, column):
    return np.stack([tiles[column].image for tiles in section.sets])


def test_file_and_what_the_dataset_makes_of_it(make_maker):
    maker = make_maker()
    section = maker.from_file()
    file = maker.dataset.table.files[0]
    pictures = pq.read_table(file).column('image_bytes').to_pylist()
    for row, (native, resized) in zip((0, 3, 8), section.sets, strict=True):
        encoded = np.frombuffer(pictures[row], np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(native.image, image)
        np.testing.assert_array_equal(resized.image, cv2.resize(image, SIZE[::-1]))
        label = ('closed', 'open')[row % 2]
        caption = (f'{row} {label}', f's{row // 4:03d}')
        assert native.lines == (*caption, f'file {image.shape[1]}x{image.shape[0]}')
        assert resized.lines == (*caption, '32x16')
    assert section.label_B.tolist() == [0, 1, 0]


def test_range_after_normalisation(make_maker):
    section = make_maker().from_file()
    normalised = (pixels(section, 1) - np.array(MEAN)) / np.array(STD)
    expected = (normalised.min(), normalised.max())
    assert section.normalised == pytest.approx(expected, rel=1e-5)


def test_augmentation_alone_changes_every_picture(make_maker):
    maker = make_maker([ERASE, FLIP])
    section = maker.alone(1, 'settings')
    before, after = pixels(section, 0), pixels(section, 1)
    np.testing.assert_array_equal(after, before[:, :, ::-1])
    change = np.abs(after.astype(float) - before).mean(axis=(1, 2, 3))
    for tiles, expected in zip(section.sets, change, strict=True):
        assert tiles[0].lines[-1] == 'before'
        assert tiles[1].lines[-1] == f'mean change {expected:.1f}'
    assert section.name == '02_BatchRandomFlip'
    assert 'Here with prob 1; the config has 0.01' in section.text
    assert maker.preprocessor.batch_augments[1].prob == 0.01  # a copy was changed


def test_whole_list_is_what_training_does(make_maker):
    maker = make_maker([ERASE, FLIP])
    section = maker.whole_list()
    assert {len(tiles) for tiles in section.sets} == {1 + NUM_VARIANTS}
    torch.manual_seed(0)
    batch = {'inputs': maker.x_BCHW, 'data_samples': maker.targets}
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    lines = set()
    for column in range(1, 1 + NUM_VARIANTS):
        normalised = maker.preprocessor(batch, training=True)['inputs']
        expected = (normalised * std + mean).round().permute(0, 2, 3, 1)
        np.testing.assert_array_equal(pixels(section, column), expected.numpy())
        lines |= {tiles[column].lines[-1] for tiles in section.sets}
    assert 'unchanged' in lines  # the probabilities of the config
    assert len(lines) > 1


def test_mixing_shows_pixels_and_soft_label(make_maker):
    maker = make_maker(mix=MIX)
    section = maker.mixed('settings')
    before = pixels(section, 0).astype(np.float64)
    np.testing.assert_array_equal(before, maker.x_BCHW.permute(0, 2, 3, 1))
    label = section.label_B.astype(float)
    for column in range(1, 1 + NUM_VARIANTS):
        mixed = pixels(section, column)
        for number, tiles in enumerate(section.sets):
            share = float(tiles[column].lines[-1].split()[-2])
            # a * own + (1 - a) * other, in pixels as in labels; a is not known
            candidates = []
            for other in range(3):
                difference = before[number] - before[other]
                shift = mixed[number] - before[other]
                squares = (difference**2).sum()  # 0 when mixed with itself
                a = (shift * difference).sum() / squares if squares else 1
                rest = np.abs(shift - a * difference).max()
                soft = a * label[number] + (1 - a) * label[other]
                candidates.append((rest, abs(soft - share)))
            assert any(rest <= 1 and miss < 0.02 for rest, miss in candidates)


def test_per_image_pipeline_is_run_several_times(make_maker):
    resize = dict(type='mmcv.Resize', scale=SIZE[::-1])
    flip = dict(type='mmcv.RandomFlip', prob=0.5)
    section = make_maker(pipeline=[resize, flip]).from_file()
    assert section.name == '00_pipeline'
    draws = [pixels(section, column) for column in range(1, 1 + NUM_VARIANTS)]
    for draw in draws[1:]:
        for image, first in zip(draw, draws[0], strict=True):
            assert (image == first).all() or (image == first[:, ::-1]).all()
    assert any((draw != draws[0]).any() for draw in draws[1:])


def test_seed_decides(make_maker):
    sections = [make_maker([ERASE], seed=seed).whole_list() for seed in (1, 1, 2)]
    first, again, other = (
        [pixels(section, column) for column in range(1, 1 + NUM_VARIANTS)]
        for section in sections
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_all_sections_of_a_config(make_maker):
    augments = [ERASE, FLIP]
    names = [s.name for s in make_sections(make_maker(augments, MIX), augments, MIX)]
    assert names == [
        '00_file',
        '01_BatchRandomErasing',
        '02_BatchRandomFlip',
        '03_whole_list',
        '04_mix_augments',
    ]
    assert [s.name for s in make_sections(make_maker(), (), None)] == ['00_file']


def test_settings_in_words():
    settings = dict(type='BatchJPEG', quality=(50, 90), prob=0.2)
    assert describe_settings(settings) == 'BatchJPEG(quality=(50, 90), prob=0.2)'
    assert describe_settings(BatchRandomFlip()) == 'BatchRandomFlip'
