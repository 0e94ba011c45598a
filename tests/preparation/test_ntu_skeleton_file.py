import numpy as np
import pytest

from ocec.preparation.ntu_skeleton_file import SkeletonFileError, read_skeleton_file

INFO = '72057594037931101 0 1 1 1 1 0 0.02 0.05 2'
OTHER = '72057594037931102 0 1 1 1 1 0 0.02 0.05 2'


def joint_line(x, y, z, *, colour=(900.0, 500.0), state=2):
    return f'{x} {y} {z} 250.5 200.5 {colour[0]} {colour[1]} 0.1 0.2 0.3 0.4 {state}'


def body(info=INFO, offset=0.0, **joint):
    lines = [joint_line(j + offset, j + 0.25, 3.5, **joint) for j in range(25)]
    return [info, '25', *lines]


@pytest.fixture
def write(tmp_path):
    def write(*lines):
        path = tmp_path / 'clip.skeleton'
        path.write_text('\r\n'.join(map(str, lines)) + '\r\n')
        return path

    return write


def test_the_columns_of_a_joint(write):
    file = read_skeleton_file(write(1, 1, *body(colour=(640.5, 360.25), state=1)))
    [found] = file.bodies
    assert file.num_frames == 1
    assert found.frame_F.tolist() == [0]
    assert found.xyz_FK3[0, 7].tolist() == [7.0, 7.25, 3.5]
    assert found.colour_FK2[0, 7].tolist() == [640.5, 360.25]
    assert found.state_FK.tolist() == [[1] * 25]


def test_ids_that_are_one_number_as_floats_are_two_bodies(write):
    assert float(INFO.split()[0]) == float(OTHER.split()[0])
    both = [*body(), *body(OTHER, offset=100.0)]
    file = read_skeleton_file(write(3, 1, *body(), 0, 2, *both))
    assert [found.frame_F.tolist() for found in file.bodies] == [[0, 2], [2]]
    assert file.bodies[1].xyz_FK3[0, 0, 0] == 100.0


@pytest.mark.parametrize('text', ['nan', '-nan(ind)', '-1.#IND', 'inf', '1.#QNAN'])
def test_colour_that_is_no_number_is_kept_as_such(write, text):
    file = read_skeleton_file(write(1, 1, *body(colour=(text, 1.0))))
    assert not np.isfinite(file.bodies[0].colour_FK2[..., 0]).any()
    assert (file.bodies[0].colour_FK2[..., 1] == 1.0).all()


def test_a_file_without_bodies(write):
    assert read_skeleton_file(write(2, 0, 0)).bodies == ()


@pytest.mark.parametrize(
    ('lines', 'expected'),
    [
        ([], 'it is empty'),
        ([0], 'declares no frame'),
        (['x'], "the number of frames must be a whole number, got 'x'"),
        ([2, 1, *body()], 'cut off in frame 2 of 2'),
        ([1, 1, *body()[:-3]], 'cut off in frame 1 of 1'),
        ([1, 1, *body()[:-1], '1.0 2.0'], 'cut off in frame 1 of 1'),
        ([1, 1, *body(), 1, *body()], '312 numbers follow after frame 1 of 1'),
        ([1, 1, INFO, '20', *body()[2:]], 'a body must have 25 joints, got 20'),
        ([1, 2, *body(), *body()], 'frame 1 of 1: the same body twice'),
        ([1, 1, *body(offset=float('nan'))], 'frame 1: x, y or z of joint 1 is no'),
        ([1, 1, *body(state=7)], 'its state 0, 1 or 2, got 7'),
        ([1, 1, *body(state='two')], "'two' is no number"),
    ],
)
def test_damaged_files(write, lines, expected):
    with pytest.raises(SkeletonFileError, match=expected):
        read_skeleton_file(write(*lines))


def test_any_truncation_is_found(write):
    whole = write(2, 1, *body(), 1, *body()).read_bytes()
    for end in range(0, len(whole) - 2, 97):
        path = write()
        path.write_bytes(whole[:end])
        with pytest.raises(SkeletonFileError):
            read_skeleton_file(path)
