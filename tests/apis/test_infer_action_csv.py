import numpy as np
import pytest

from ocec.apis.infer_action_csv import read_csv_poses, write_csv_poses
from ocec.apis.infer_action_poses import poses_of_persons
from ocec.functional.skeleton_layouts import COCO17

HEAD = 'frame,person,joint,x,y,score\n'


def read(path, text):
    path.write_text(text)
    return read_csv_poses(path, COCO17, (48, 64))


def test_lines_in_any_order_with_numbers_and_names(tmp_path):
    text = (
        '\ufeffscore, x,y,joint,person,frame,camera\n'
        '0.5,10.5,20,left_wrist,7,3,c\n'
        '0.25,1,2,0,7,1,c\n'
        '0.75,3,4,0,900000,3,c\n'
    )
    poses = read(tmp_path / 'p.csv', text)
    assert (poses.name, poses.num_frames, poses.frame_hw) == ('p.csv', 4, (48, 64))
    assert poses.frame_R.tolist() == [1, 3, 3]
    assert poses.person_R.tolist() == [7, 7, 900000]
    keypoint, score = poses.window(3, 4)
    # left wrist is joint 9 of COCO
    assert keypoint[0, 0, 9].tolist() == [10.5, 20]
    assert score[0, 0, 9] == 0.5
    assert keypoint[1, 0, 0].tolist() == [3, 4]
    assert np.count_nonzero(score) == 2
    assert poses.notes == ()


def test_what_is_written_is_read_again_exactly(tmp_path):
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(1, 1900, (2, 6, 17, 2)).astype(np.float32)
    score = rng.uniform(0.1, 1, (2, 6, 17)).astype(np.float32)
    keypoint[0, 2] = score[0, 2] = 0  # the first person is away
    keypoint[1, 3, 5] = score[1, 3, 5] = 0
    poses = poses_of_persons('x', keypoint, score, (48, 64))
    write_csv_poses(poses, tmp_path / 'p.csv')
    again = read_csv_poses(tmp_path / 'p.csv', COCO17, (48, 64))
    for found, expected in zip(again.window(0, 6), (keypoint, score), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_nan_is_missing_and_told(tmp_path):
    poses = read(
        tmp_path / 'p.csv', HEAD + '0,0,0,nan,2,1\n0,0,1,3,4,1\n2,0,1,5,5,nan\n'
    )
    assert poses.notes == ('2 joints with NaN count as missing',)
    keypoint, score = poses.window(0, 3)
    assert np.argwhere(score).tolist() == [[0, 0, 1]]
    assert np.isfinite(keypoint).all()
    assert poses.num_frames == 3


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r'p\.csv:1: columns frame, person, .* score are missing; found none'),
        (
            'frame,person,joint,x,y\n0,0,0,1,1\n',
            r'p\.csv:1: columns score are missing; found frame, person, joint, x, y',
        ),
        (HEAD, 'it has no line with a joint'),
        (
            HEAD + '0,0,0,1,1,1\n0,0,1\n',
            r'p\.csv:3: frame, person and joint must be wh',
        ),
        (HEAD + '0,0,left_paw,1,1,1\n', r'p\.csv:2: .* name of coco17.*left_paw'),
        (HEAD + '0.5,0,0,1,1,1\n', r'p\.csv:2: .* whole numbers'),
        (HEAD + '-1,0,0,1,1,1\n', r'p\.csv:2: frame must be in \[0, 10,000,000\) an'),
        (HEAD + '99999999999,0,0,1,1,1\n', 'got 99999999999 and 0'),
        (HEAD + '0,-2,0,1,1,1\n', 'person >= 0, got 0 and -2'),
        (HEAD + '0,0,17,1,1,1\n', r'joint must be below 17, .* \(coco17\), got 17'),
        (HEAD + '0,0,0,1,1,-1\n', r'p\.csv:2: score must be >= 0, got -1\.0'),
        (
            HEAD + '0,0,0,1,1,1\n0,0,nose,1,1,1\n',
            r'p\.csv:3: joint 0 of person 0 in frame 0 has two lines',
        ),
    ],
)
def test_wrong_lines_are_named(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / 'p.csv', text)


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file of poses'):
        read_csv_poses(tmp_path / 'x.csv', COCO17, (48, 64))
    (tmp_path / 'b.csv').write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match='it is no CSV file'):
        read_csv_poses(tmp_path / 'b.csv', COCO17, (48, 64))
