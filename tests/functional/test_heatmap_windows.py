import torch

from ocec.functional.heatmap_windows import limb_patches, point_patch

CANVAS = {'size': (10, 12), 'num_channels': 3}


def test_a_patch_of_a_point_is_indexed_row_by_row():
    point = torch.tensor([[4.0, 6.0]])
    index, value = point_patch(
        point, torch.tensor([2.0]), torch.tensor([1]), sigma=0.5, **CANVAS
    )
    # a window of 3 sigma about 4: 2.5 to 5.5, pixels 2 to 5; 6: pixels 4 to 7
    levels = value[0]
    row, column = divmod(int(levels.argmax()), levels.shape[1])
    assert levels[row, column] == 2.0
    assert index[0, row, column] == 1 + (6 * 12 + 4) * 3
    assert torch.equal(index[0, 0].diff(), torch.full((levels.shape[1] - 1,), 3))
    assert torch.equal(index[0, :, 0].diff(), torch.full((len(levels) - 1,), 36))
    drawn = levels > 0
    assert drawn.any(1).sum() == 4
    assert drawn.any(0).sum() == 4


def test_windows_stay_within_the_map():
    points = torch.tensor([[-9.0, 4.0], [40.0, 40.0], [0.0, 9.0], [11.0, 0.0]])
    index, value = point_patch(
        points, torch.ones(4), torch.zeros(4, dtype=torch.long), sigma=0.6, **CANVAS
    )
    assert index.min() >= 0
    assert index.max() < 10 * 12 * 3
    assert value.flatten(1).amax(1).tolist() == [0, 0, 1, 1]
    assert all(len(one.unique()) == one.numel() for one in index)


def test_limbs_get_windows_of_their_size():
    ends = torch.zeros(3, 2, 2)
    ends[0, 1] = torch.tensor([2.0, 0.0])
    ends[1, 1] = torch.tensor([30.0, 0.0])
    ends[2] += 100  # beyond the map
    patches = limb_patches(
        ends,
        torch.ones(3, 2),
        torch.zeros(3, dtype=torch.long),
        size=(40, 40),
        num_channels=1,
        sigma=0.5,
    )
    shapes = [tuple(index.shape) for index, _ in patches]
    # height and width: 3 sigma about the line, and the line
    assert shapes == [(1, 6, 6), (1, 6, 40)]
    for _, value in patches:
        assert value.amax() == 1


def test_limbs_of_no_score_are_left_out():
    ends = torch.tensor([[[1.0, 1.0], [5.0, 5.0]]]).expand(3, -1, -1)
    scores = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.25]])
    pixels = torch.arange(3)
    ((index, value),) = limb_patches(ends, scores, pixels, sigma=0.6, **CANVAS)
    assert len(index) == 1
    assert (index % 3 == 2).all()
    assert value.amax() == 0.25


def test_levels_far_from_a_limb_are_no_denormal_numbers():
    ends = torch.tensor([[[0.0, 0.0], [39.0, 39.0]]])
    ((_, value),) = limb_patches(
        ends,
        torch.ones(1, 2),
        torch.zeros(1, dtype=torch.long),
        size=(40, 40),
        num_channels=1,
        sigma=0.6,
    )
    tiny = torch.finfo(torch.float32).tiny
    assert value[value > 0].min() >= tiny
    assert value[0, 0, -1] < 1e-12
