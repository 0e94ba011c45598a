import pytest

from ocec.functional.skeleton_layouts import (
    LAYOUTS,
    SkeletonLayout,
    custom_layout,
    skeleton_layout,
)


def mirrored_name(name):
    if name.startswith('left_'):
        return 'right_' + name.removeprefix('left_')
    if name.startswith('right_'):
        return 'left_' + name.removeprefix('right_')
    return name


@pytest.mark.parametrize(
    ('name', 'num_joints', 'num_limbs'),
    [('coco17', 17, 17), ('coco18', 18, 17), ('nturgbd25', 25, 24)],
)
def test_counts(name, num_joints, num_limbs):
    layout = skeleton_layout(name)
    assert layout.name == name
    assert layout.num_joints == num_joints == len(set(layout.joints))
    assert len(set(map(frozenset, layout.limbs))) == num_limbs


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=lambda layout: layout.name)
def test_pairs_are_the_left_and_right_joints_by_name(layout):
    order = layout.flip_order
    assert [layout.joints[joint] for joint in order] == [
        mirrored_name(joint) for joint in layout.joints
    ]
    for left, right in layout.flip_pairs:
        assert layout.joints[left].startswith('left_')
        assert layout.joints[right].startswith('right_')


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=lambda layout: layout.name)
def test_limbs_reach_every_joint_and_mirror_onto_limbs(layout):
    reached, found = {layout.limbs[0][0]}, True
    while found:
        found = [
            joint
            for limb in layout.limbs
            if reached & set(limb)
            for joint in limb
            if joint not in reached
        ]
        reached |= set(found)
    assert reached == set(range(layout.num_joints))
    for limb, number in zip(layout.limbs, layout.limb_flip_order, strict=True):
        names = {mirrored_name(layout.joints[joint]) for joint in limb}
        assert {layout.joints[joint] for joint in layout.limbs[number]} == names


def test_sides_of_the_limbs_of_coco():
    # the published lists of left and right limbs of PoseC3D
    left, right = (0, 2, 4, 5, 6, 10, 11, 12), (1, 3, 7, 8, 9, 13, 14, 15)
    order = list(range(17))
    for one, other in zip(left, right, strict=True):
        order[one], order[other] = other, one
    assert skeleton_layout('coco17').limb_flip_order == order


def test_joints_of_a_custom_layout():
    layout = custom_layout(3, [[1, 2]], limbs=[(0, 1), (0, 2)])
    assert layout.flip_order == [0, 2, 1]
    assert layout.limb_flip_order == [1, 0]
    assert custom_layout(2, []).flip_order == [0, 1]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((0, []), 'num_joints must be >= 1, got 0'),
        ((3, [(0, 3)]), r'flip_pairs must be two different joints of 3, .* \(0, 3\)'),
        ((3, [(1, 1)]), 'layout of 3 joints: a joint is in two flip pairs'),
        ((3, [(0, 1), (1, 2)]), 'a joint is in two flip pairs'),
        ((3, [], [(0, 0)]), r'limbs must be two different joints of 3, .* \(0, 0\)'),
        ((3, [], [(-1, 0)]), r'limbs must be .* got \(-1, 0\)'),
    ],
)
def test_layouts_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        custom_layout(*arguments)


def test_a_limb_without_a_mirror_image_is_named():
    layout = SkeletonLayout('arm', ('a', 'b', 'c'), ((1, 2),), ((0, 1),))
    with pytest.raises(ValueError, match=r'arm: limb \(0, 1\) has no .* \(0, 2\)'):
        _ = layout.limb_flip_order


def test_unknown_names():
    message = r"layout must be one of \['coco17', 'coco18', 'nturgbd25'\], got 'coco'"
    with pytest.raises(ValueError, match=message):
        skeleton_layout('coco')
