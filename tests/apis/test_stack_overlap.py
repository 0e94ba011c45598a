import json
import re

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_data import build_dataset
from ocec.apis.stack_overlap import RowIdentity, compare, identify, refuse_overlaps
from ocec.synthesis.digit_pairs import PairSettings, write_pairs
from ocec.synthesis.digit_sources import DigitImages


@pytest.fixture
def member(make_member, own_data):
    return MemberConfig('a', make_member(own_data))


def data(path, split):
    return DataConfig(str(path), split)


def test_unseen_data_pass(member, unseen_data):
    stack, test = data(unseen_data, 'val'), data(unseen_data, 'test')
    assert refuse_overlaps([member], stack, test) == []


def test_training_rows_are_refused(member, own_data, unseen_data):
    message = (
        "member 'a' was trained on 32 of 32 pictures, pixel for pixel that are in "
        'stack. Scores of rows that a model has seen are too good'
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        refuse_overlaps([member], data(own_data, 'train'), None)
    # also under another name, and as test; nothing lets that through
    everything = ['unverified', 'val_rows', 'group_names']
    message = (
        "member 'a' was trained on 32 of 32 pictures, pixel for pixel that are in t"
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        refuse_overlaps(
            [member],
            data(unseen_data, 'val'),
            data(own_data, 'train'),
            allow=everything,
        )


def test_copied_pictures_are_found_in_another_file(member, make_eye_parquet):
    # the generator draws the same pictures from the same seed
    copied = make_eye_parquet(num_rows=64, group=[f'x{row // 4}' for row in range(64)])
    with pytest.raises(
        ConfigError, match="member 'a' was trained on 32 of 32 pictures"
    ):
        refuse_overlaps([member], data(copied, 'train'), None)


def test_validation_rows_chose_the_epoch(member, own_data, unseen_data):
    stack = data(own_data, 'val')
    message = (
        "member 'a' chose its epoch by 16 of 16 pictures, pixel for pixel that are in "
        "stack. Choose other data, or accept it: allow=['val_rows'] in the config"
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        refuse_overlaps([member], stack, None)
    [told] = refuse_overlaps([member], stack, None, allow=['val_rows'])
    assert told.startswith("member 'a' chose its epoch by 16 of 16")
    with pytest.raises(ConfigError, match='that are in test'):
        refuse_overlaps([member], data(unseen_data, 'val'), stack, allow=['val_rows'])


def test_same_group_names_are_refused(member, make_eye_parquet):
    others = make_eye_parquet(num_rows=64, seed=9)
    stack = data(others, 'train')
    message = (
        "member 'a' was trained on 8 groups (s000, s001, s002, ...) that are in st"
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        refuse_overlaps([member], stack, None)
    [told] = refuse_overlaps([member], stack, None, allow=['group_names'])
    assert '8 groups' in told


def test_stack_and_test_must_differ(member, unseen_data):
    both = data(unseen_data, 'val')
    with pytest.raises(ConfigError, match='stack and test share 80 of 80 pictures'):
        refuse_overlaps([member], both, both)


def test_training_data_that_are_gone(make_member, own_data, unseen_data):
    member = MemberConfig('a', make_member(own_data))
    own_data.unlink()
    stack = data(unseen_data, 'val')
    message = re.escape("member 'a': its train data cannot be compared: ")
    with pytest.raises(ConfigError, match=f'{message}.*--allow-unverified'):
        refuse_overlaps([member], stack, None)
    told = refuse_overlaps([member], stack, None, allow=['unverified'])
    assert ['train' in told[0], 'val' in told[1]] == [True, True]


def test_training_data_that_have_changed(member, unseen_data):
    record = {'sessions': [{'data': {'train': {'closed': 999, 'file': 'x'}}}]}
    (member.checkpoint.parent / 'provenance.json').write_text(json.dumps(record))
    message = 'they have changed: closed was 999 in training and is 16 now'
    with pytest.raises(ConfigError, match=message):
        refuse_overlaps([member], data(unseen_data, 'val'), None)


def test_data_that_cannot_be_read(member, unseen_data):
    message = re.escape('stack: member \'a\' cannot read split "train" of ')
    with pytest.raises(ConfigError, match=message):
        refuse_overlaps([member], data(unseen_data, 'train'), None)


@pytest.fixture
def pairs(tmp_path):
    """Two folders of pairs of the same digits, dealt into splits in another way."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (400, 28, 28)).astype(np.uint8)
    digits = DigitImages(images, np.arange(400) % 10, 'random')
    for name, seed in (('one', 1), ('two', 2)):
        counts = dict.fromkeys(('train', 'val', 'stack', 'test'), 40)
        settings = PairSettings(counts=counts, severity=6, per_block=1, seed=seed)
        write_pairs(digits, tmp_path / name, settings, log=lambda line: None)
    return tmp_path


def identity(folder, split, kind='PairNpz', **settings):
    settings = {'type': kind, 'data': str(folder), 'split': split, **settings}
    return identify(build_dataset(settings))


def test_source_digits_of_pairs(pairs):
    train = identity(pairs / 'one', 'train')
    assert compare(train, identity(pairs / 'one', 'stack')) is None
    # other pairs, but of digits that the member has seen
    shared = compare(train, identity(pairs / 'two', 'stack'))
    assert shared.kind == 'rows'
    assert re.fullmatch(r'\d+ of \d+ source digits', shared.text)
    stream = identity(pairs / 'one', 'train', 'PairStream', length=10)
    assert stream.pixels is None
    assert compare(stream, identity(pairs / 'one', 'test')) is None
    assert compare(stream, identity(pairs / 'two', 'test')).kind == 'rows'


def test_foreign_pairs_are_compared_by_pixels(pairs):
    with np.load(pairs / 'one' / 'stack.npz') as arrays:
        foreign = {'x': arrays['x'], 'y': arrays['y']}
    (pairs / 'other').mkdir()
    np.savez(pairs / 'other' / 'mine.npz', **foreign)
    mine = identity(pairs / 'other' / 'mine.npz', 'test')
    assert mine.sources is None
    assert compare(identity(pairs / 'one', 'train'), mine) is None
    shared = compare(identity(pairs / 'one', 'stack'), mine)
    assert shared.text == '40 of 40 pictures, pixel for pixel'
    stream = identity(pairs / 'one', 'train', 'PairStream', length=10)
    assert compare(stream, mine).kind == 'unknown'


def test_nothing_known_is_unknown():
    nothing = RowIdentity(3, None, None, frozenset())
    shared = compare(nothing, nothing)
    assert shared.kind == 'unknown'
    assert shared.text == 'neither pixels nor source digits of both are known'
