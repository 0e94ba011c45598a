import re

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.apis import check_dataset_quick
from ocec.apis.check_dataset_quick import DatasetCheckHook, find_quickly
from ocec.datasets import EyeParquet, MixedEyes

SIZE = (16, 32)
RESIZE = {'type': 'mmcv.Resize', 'scale': SIZE[::-1]}


def find(train, val=None, **kwargs):
    datasets = {
        split: EyeParquet(file, split, image_size=SIZE, **kwargs)
        for split, file in (('train', train), ('val', val or train))
    }
    return find_quickly(datasets)


def warnings_of(log_records):
    messages = [r.getMessage() for r in log_records if r.levelname == 'WARNING']
    return [message for message in messages if message.startswith('data check: ')]


# what is found


def test_a_clean_file_has_nothing(make_eye_parquet):
    assert find(make_eye_parquet()) == []


def test_groups_of_two_files_are_compared_by_name(make_eye_parquet):
    # both files count their groups from zero, and name four alike
    train = make_eye_parquet(num_rows=32, splits={'train': 1.0}, seed=1)
    val = make_eye_parquet(
        num_rows=32,
        splits={'val': 1.0},
        seed=2,
        group=[f's{row // 4 * 2:03d}' for row in range(32)],
    )
    [text] = find(train, val)
    # of s000 to s007 and s000, s002, ... s014
    assert text.startswith(
        'LEAK: 4 groups are in train and val (s000, s002, s004, ...): '
    )


def test_rows_that_nobody_reads_do_not_count(make_eye_parquet):
    # the second file has the first one's subjects in its train split, which is not read
    both = {'num_rows': 32, 'seed': 1}
    train = make_eye_parquet(splits={'train': 1.0}, **both)
    split = ['train'] * 30 + ['val'] * 2
    group = ['s000'] * 30 + ['new'] * 2
    images = pq.read_table(train)['image_bytes'].to_pylist()
    others = pq.read_table(make_eye_parquet(num_rows=2, seed=5))['image_bytes']
    val = make_eye_parquet(
        **both, split=split, group=group, image_bytes=images[:30] + others.to_pylist()
    )
    assert find(train, val) == []


def test_groups_of_the_test_split_are_found(make_eye_parquet):
    # rows 0-7 are train, 8-11 val, 12-15 test
    group = ['a'] * 4 + ['b'] * 4 + ['c'] * 4 + ['c', 'a', 'd', 'unknown']
    file = make_eye_parquet(num_rows=16, group=group)
    [text] = find(file)
    assert text == (
        'LEAK: 2 groups of train and val are also in the split test (a, c): the '
        'metrics of test will be too good'
    )


def test_groups_of_the_test_split_of_another_file_are_found(make_eye_parquet):
    train = make_eye_parquet(num_rows=16, splits={'train': 1.0}, seed=1)
    group = ['v'] * 8 + ['s001'] * 8  # s000 to s003 are those of the training
    val = make_eye_parquet(
        num_rows=16, splits={'val': 0.5, 'test': 0.5}, seed=2, group=group
    )
    [text] = find(train, val)
    assert 'of train and val are also in the split test (s001)' in text


def test_test_rows_that_are_read_or_have_no_label_do_not_count(make_eye_parquet):
    train = make_eye_parquet(num_rows=16, splits={'train': 1.0}, seed=1)
    test = make_eye_parquet(
        num_rows=16,
        splits={'test': 1.0},
        seed=2,
        group=['t'] * 15 + ['s000'],
        class_id=[row % 2 for row in range(15)] + [9],
        label=None,
    )
    common = {'image_size': SIZE, 'bad_rows': 'skip'}
    datasets = {
        # the table of the training holds the test rows too
        'train': EyeParquet([train, test], 'train', **common),
        'val': EyeParquet(test, 'test', **common),
    }
    assert find_quickly(datasets) == []
    assert find_quickly(dict(reversed(datasets.items()))) == []


def test_pictures_of_two_splits_are_found(make_eye_parquet):
    file = make_eye_parquet(num_rows=16)  # rows 0-7 train, 8-11 val, 12-15 test
    images = pq.read_table(file)['image_bytes'].to_pylist()
    images[8], images[11], images[12] = images[0], images[1], images[2]
    file = make_eye_parquet(num_rows=16, image_bytes=images)
    [text] = find(file)
    assert text.startswith('LEAK: 2 pictures are in train and val, pixel for pixel')


def test_labels_that_contradict_each_other_are_found(make_eye_parquet):
    file = make_eye_parquet(num_rows=16)
    images = pq.read_table(file)['image_bytes'].to_pylist()
    images[3] = images[0]  # row 0 is closed, row 3 open, both in train
    file = make_eye_parquet(num_rows=16, image_bytes=images)
    assert find(file) == [
        '1 pictures are labelled open in one row and closed in another'
    ]


def test_a_class_id_that_contradicts_its_label_is_found(make_eye_parquet):
    label = ['closed', 'open'] * 8
    label[0] = label[2] = 'open'
    assert find(make_eye_parquet(num_rows=16, label=label), bad_rows='skip') == [
        'class_id and label of 2 rows disagree'
    ]


def test_pictures_of_one_colour_are_no_copies(make_eye_parquet):
    black = np.zeros((12, 20, 3), np.uint8)
    encoded = cv2.imencode('.png', black)[1].tobytes()
    assert find(make_eye_parquet(num_rows=16, image_bytes=[encoded] * 16)) == []


def test_rows_of_no_known_group_share_none(make_eye_parquet):
    assert find(make_eye_parquet(group=['unknown'] * 64)) == []
    assert find(make_eye_parquet(group=None)) == []


def test_the_pipeline_path_has_no_pixels_to_compare(make_eye_parquet):
    file = make_eye_parquet(num_rows=16)
    images = pq.read_table(file)['image_bytes'].to_pylist()
    file = make_eye_parquet(num_rows=16, image_bytes=images[:8] * 2)
    assert find(file, pipeline=[RESIZE]) == []
    assert len(find(file)) == 1


# in a run


class Loader:
    def __init__(self, dataset):
        self.dataset = dataset


class Runner:
    """The part of a runner that the hook looks at."""

    rank = 0
    val_loop = True

    def __init__(self, train, val=None):
        self.train_dataloader = Loader(train)
        self.val_dataloader = Loader(val)
        if val is None:
            self.val_loop = None


@pytest.fixture
def leaking(make_eye_parquet):
    file = make_eye_parquet(num_rows=32, group=['one'] * 32)
    return Runner(
        *(EyeParquet(file, split, image_size=SIZE) for split in ('train', 'val'))
    )


@pytest.mark.parametrize('when', ['auto', 'always'])
def test_a_leak_is_in_the_log_with_the_command(leaking, log_records, when):
    DatasetCheckHook(when).before_train(leaking)
    leak, with_test, command = warnings_of(log_records)
    assert leak.startswith('data check: LEAK: 1 groups are in train and val (one): ')
    assert with_test.startswith(
        'data check: LEAK: 1 groups of train and val are also in the split test (one): '
    )
    file = leaking.train_dataloader.dataset.table.files[0]
    assert command.endswith(
        f'python tools/misc/check_dataset.py {file} --html data_check.html'
    )


def test_nothing_found_is_said_too(make_eye_parquet, log_records):
    dataset = EyeParquet(make_eye_parquet(num_rows=32), 'train', image_size=SIZE)
    DatasetCheckHook().before_train(Runner(dataset))
    text = log_records[-1].getMessage()
    assert re.fullmatch(
        r'data check: 16 images of train share no group and no picture, none of their '
        r'groups is in the split test, and no label contradicts another '
        r'\(\d+\.\d s\)',
        text,
    )


def test_never_and_other_ranks_check_nothing(leaking, log_records):
    DatasetCheckHook('never').before_train(leaking)
    leaking.rank = 1
    DatasetCheckHook('always').before_train(leaking)
    assert warnings_of(log_records) == []


def test_too_many_images_are_left_out_unless_asked_for(
    leaking, log_records, monkeypatch
):
    monkeypatch.setattr(check_dataset_quick, 'MAX_AUTO_IMAGES', 23)  # there are 24
    DatasetCheckHook('auto').before_train(leaking)
    assert warnings_of(log_records) == []
    text = log_records[-1].getMessage()
    assert '24 images are more than 23; ask for it with --data-check always' in text
    DatasetCheckHook('always').before_train(leaking)
    assert len(warnings_of(log_records)) == 3


def test_other_datasets_are_left_out_aloud(leaking, log_records):
    leaking.train_dataloader.dataset = [1, 2]
    DatasetCheckHook().before_train(leaking)
    assert log_records[-1].getMessage() == 'data check left out: train reads a list'


def test_another_word_is_refused():
    message = r"data_check must be one of \('auto', 'always', 'never'\), got 'yes'"
    with pytest.raises(ValueError, match=message):
        DatasetCheckHook('yes')


# several sources


def test_a_leak_between_one_source_of_a_mix_and_a_file(make_eye_parquet):
    # the second source of training has the groups, and none of the pictures, of val
    home = make_eye_parquet(
        splits={'train': 1.0}, group=[f'h{r // 4}' for r in range(64)]
    )
    new = make_eye_parquet(num_rows=32, seed=5, splits={'train': 1.0})
    val = make_eye_parquet(num_rows=32, seed=6, splits={'val': 1.0})
    mixed = MixedEyes(
        {'home': {'data': home}, 'new': {'data': new}}, 'train', image_size=SIZE
    )
    datasets = {'train': mixed, 'val': EyeParquet(val, 'val', image_size=SIZE)}
    [text] = find_quickly(datasets)
    assert text.startswith(
        'LEAK: 8 groups are in train and val (s000, s001, s002, ...)'
    )


def test_a_clean_mix_has_nothing(make_eye_parquet):
    files = [
        make_eye_parquet(seed=k, group=[f'{k}{r // 4:02d}' for r in range(64)])
        for k in (1, 2)
    ]
    sources = {f'source{k}': {'data': file} for k, file in enumerate(files)}
    datasets = {
        split: MixedEyes(sources, split, image_size=SIZE) for split in ('train', 'val')
    }
    assert find_quickly(datasets) == []
