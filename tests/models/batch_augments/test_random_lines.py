import pytest
import torch

from ocec.functional.lines import draw_lines
from ocec.models.batch_augments import BatchRandomLines
from ocec.registry import BATCH_AUGMENTS

SIZE = (20, 30)


def batch(num_images=8, dtype=torch.uint8):
    return torch.full((num_images, 3, *SIZE), 200, dtype=dtype)


def test_the_draws_fill_their_ranges():
    torch.manual_seed(0)
    augment = BatchRandomLines((1, 3), prob=0.4)
    ends, is_wide, is_drawn = augment.draw(4000, SIZE)
    rows, columns = ends.unbind(-1)
    for values, last in ((rows, 19), (columns, 29)):
        assert 0 <= values.min() < 0.1
        assert last - 0.1 < values.max() <= last
        assert values.mean() == pytest.approx(last / 2, abs=0.3)
    assert is_wide.float().mean() == pytest.approx(0.5, abs=0.02)
    counts = torch.bincount(is_drawn.sum(1), minlength=4) / 4000
    expected = [0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3]
    torch.testing.assert_close(counts, torch.tensor(expected), rtol=0, atol=0.035)


def test_images_get_the_lines_of_their_draws():
    x, augment = batch(), BatchRandomLines((0, 2), level=9)
    torch.manual_seed(1)
    lines = augment.draw(8, SIZE)
    torch.manual_seed(1)
    out = augment(x)
    assert torch.equal(out, draw_lines(x, *lines, level=9))
    assert (out == 9).any()
    assert (x == 200).all()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_no_lines_leave_the_images(dtype):
    for augment in (BatchRandomLines(prob=0.0), BatchRandomLines((0, 0), prob=1.0)):
        out = augment(batch(dtype=dtype))
        assert out.dtype == dtype
        assert torch.equal(out, batch(dtype=dtype))


def test_is_found_by_name():
    config = {'type': 'BatchRandomLines', 'num_lines': [2, 2], 'prob': 1.0}
    out = BATCH_AUGMENTS.build(config)(batch())
    assert (out == 0).flatten(1).any(1).all()


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'num_lines': (2, 1)}, r'num_lines must be .* got \(2, 1\)'),
        ({'num_lines': (0.5, 1)}, r'num_lines must be whole numbers, got \(0.5, 1\)'),
        ({'prob': 2}, r'prob must be in \[0, 1\], got 2'),
        ({'level': -1}, r'level must be in \[0, 255\], got -1'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandomLines(**kwargs)


def test_images_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomLines()(torch.zeros(2, 1, 4, 4))
