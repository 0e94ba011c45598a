import numpy as np
import pytest

from ocec.apis.make_digit_pairs import make_digit_pairs

COUNTS = {'num_train': 20, 'num_val': 8, 'num_stack': 6, 'num_test': 10}


@pytest.fixture
def digits(tmp_path):
    path = tmp_path / 'digits' / 'all.npz'
    path.parent.mkdir()
    x = np.random.default_rng(0).integers(0, 256, (400, 28, 28), np.uint8)
    np.savez(path, x=x, digit=np.tile(np.arange(10), 40))
    return path


def test_a_folder_is_written_and_left_alone_the_second_time(digits, tmp_path, capsys):
    out = tmp_path / 'deep' / 'pairs'
    assert make_digit_pairs(str(out), digits=digits, **COUNTS) == out
    said = capsys.readouterr().out
    assert 'train 20 pairs (10 with the larger digit left) of 240 digits' in said
    assert f'{out}: of 400 digits from {digits}, severity 6; levels of train' in said
    for name, count in (('train', 20), ('val', 8), ('stack', 6), ('test', 10)):
        assert len(np.load(out / f'{name}.npz')['y']) == count
    written = (out / 'train.npz').stat().st_mtime_ns
    # the same digits at another place are the same digits
    moved = digits.rename(tmp_path / 'moved.npz')
    make_digit_pairs(out, digits=moved, **COUNTS)
    assert 'already drawn with these settings' in capsys.readouterr().out
    assert (out / 'train.npz').stat().st_mtime_ns == written


def test_a_folder_that_lacks_a_file_is_completed(digits, tmp_path):
    out = make_digit_pairs(tmp_path / 'pairs', digits=digits, **COUNTS)
    (out / 'val.npz').unlink()
    make_digit_pairs(out, digits=digits, **COUNTS)
    assert (out / 'val.npz').exists()


def test_other_settings_need_force(digits, tmp_path):
    out = make_digit_pairs(tmp_path / 'pairs', digits=digits, **COUNTS)
    message = 'other settings: severity 6.0 there, 5.0 asked for; choose another folder'
    with pytest.raises(FileExistsError, match=message):
        make_digit_pairs(out, digits=digits, severity=5.0, **COUNTS)
    before = np.load(out / 'val.npz')['x']
    make_digit_pairs(out, digits=digits, severity=5.0, force=True, **COUNTS)
    assert (np.load(out / 'val.npz')['x'] != before).any()


def test_files_of_unknown_origin_need_force(digits, tmp_path):
    out = make_digit_pairs(tmp_path / 'pairs', digits=digits, **COUNTS)
    (out / 'meta.json').unlink()
    message = r'holds train.npz, .* and no meta.json tells what they are'
    with pytest.raises(FileExistsError, match=message):
        make_digit_pairs(out, digits=digits, **COUNTS)
    make_digit_pairs(out, digits=digits, force=True, **COUNTS)
    with pytest.raises(FileExistsError, match='is a file, a folder is needed'):
        make_digit_pairs(out / 'val.npz', digits=digits, **COUNTS)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'severity': 12}, r'severity must be in \[0, 10\], got 12'),
        ({'adjacency': 1.2}, r'adjacency must be in \[0, 1\], got 1.2'),
        ({'num_val': 5}, 'counts: val must be an even number >= 2, got 5'),
        ({'per_block': 5}, r'val has 40 source digits: per_block must be in \[1, 4\]'),
    ],
)
def test_arguments_are_checked(digits, tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_digit_pairs(tmp_path / 'pairs', digits=digits, **{**COUNTS, **kwargs})
    assert not (tmp_path / 'pairs').exists()
