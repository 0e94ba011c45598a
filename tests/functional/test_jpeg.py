import cv2
import numpy as np
import pytest
import torch

from ocec.functional.jpeg import jpeg_round_trip, quantization_tables

SIZES = [(32, 64), (24, 40), (31, 45), (17, 33), (8, 8), (9, 70)]
QUALITIES = [1, 30, 50, 75, 90, 100]


def images(size=(32, 64), num_images=4):
    """Smooth colours with edges and a little noise, (B, 3, H, W) uint8."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(30, 225, (num_images, 4, 5, 3)).astype(np.float32)
    x = np.stack([cv2.resize(image, size[::-1]) for image in coarse])
    x[:, size[0] // 2 :, size[1] // 3 :] *= 0.5
    x = x + rng.normal(0, 4, x.shape)
    return torch.from_numpy(np.clip(x, 0, 255).astype(np.uint8)).permute(0, 3, 1, 2)


def by_opencv(x, quality, subsample_chroma=True):
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if not subsample_chroma:
        factor = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    decoded = []
    for image in x.permute(0, 2, 3, 1).numpy():
        _, stream = cv2.imencode('.jpg', np.ascontiguousarray(image[..., ::-1]), flags)
        decoded.append(cv2.imdecode(stream, cv2.IMREAD_COLOR)[..., ::-1])
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('subsample_chroma', [True, False], ids=['420', '444'])
def test_equals_opencv_up_to_its_integer_transform(size, subsample_chroma):
    # on 96 real crops at qualities 30 to 98: mean 0.02 to 0.31, 70 to 99 % of the
    # values equal; a coefficient that falls to the other side of a half moves its
    # block by some levels, 16 at most at quality 30. At quality 1 the steps are so
    # coarse that none does: padding, chroma and colours are the same
    x = images(size)
    for quality in QUALITIES:
        quality_B = torch.full((len(x),), quality)
        out = jpeg_round_trip(x, quality_B, subsample_chroma=subsample_chroma)
        expected = by_opencv(x, quality, subsample_chroma)
        error = (out - expected).abs()
        assert error.mean() < 0.75
        assert error.max() <= (1 if quality == 1 else 20)
        assert (error > 0).float().mean() < 0.4


def test_each_image_has_its_own_quality():
    x, quality = images(), torch.tensor([10, 50, 75, 95])
    out = jpeg_round_trip(x, quality)
    for i in range(4):
        alone = jpeg_round_trip(x[i : i + 1], quality[i : i + 1])
        torch.testing.assert_close(out[i : i + 1], alone, rtol=0, atol=0)
    error = (out - x).abs().mean((1, 2, 3))
    assert error.diff().max() < 0


@pytest.mark.parametrize(
    ('quality', 'luma', 'chroma'),
    [
        # base tables start with 16, 11 and 17, 18, and end with 99
        (50, (16, 11, 99), (17, 18, 99)),
        # 40 %: (1600 / 4 + 50) // 100 by libjpeg's rule, e.g. 16 * 40 + 50 = 690
        (80, (6, 4, 40), (7, 7, 40)),
        # 500 %: 80, 55, 495 and 85, 90, cut at 255
        (10, (80, 55, 255), (85, 90, 255)),
        # 5000 // 30 = 166 %: 2656 + 50, 1826 + 50, 16434 + 50; 2822 + 50, 2988 + 50
        (30, (27, 18, 164), (28, 30, 164)),
        (100, (1, 1, 1), (1, 1, 1)),
    ],
)
def test_tables_by_hand(quality, luma, chroma):
    tables = quantization_tables(torch.tensor([quality]))
    assert tables.shape == (2, 1, 64)
    assert tuple(tables[0, 0, [0, 1, 63]].tolist()) == luma
    assert tuple(tables[1, 0, [0, 1, 63]].tolist()) == chroma


def test_tables_are_those_of_the_stream():
    # a DQT segment: FF DB, length, table number, 64 steps in zigzag order
    _, stream = cv2.imencode(
        '.jpg', np.zeros((8, 8, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 35]
    )
    parts = stream.tobytes().split(b'\xff\xdb')[1:]
    tables = quantization_tables(torch.tensor([35]))[:, 0].view(2, 8, 8)
    for number, part in enumerate(parts):
        steps = list(part[3:67])
        diagonals = sorted(
            ((r, c) for r in range(8) for c in range(8)),
            key=lambda rc: (sum(rc), rc[0] if sum(rc) % 2 else rc[1]),
        )
        assert [int(tables[number, r, c]) for r, c in diagonals] == steps
    assert len(parts) == 2


@pytest.mark.parametrize('level', [0, 1, 77, 128, 255])
def test_flat_grey_is_rounded_to_the_steps_of_its_mean(level):
    # one coefficient, 8 * (level - 128), in steps of 16 at quality 50: the levels
    # are kept in steps of 2, halves away from 128
    x = torch.full((1, 3, 16, 16), level, dtype=torch.uint8)
    centred = level - 128
    expected = 128 + 2 * int(abs(centred) / 2 + 0.5) * (1 if centred > 0 else -1)
    out = jpeg_round_trip(x, torch.tensor([50]))
    assert (out == min(expected, 255)).all()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
def test_layout_fractions_and_autocast_do_not_matter(dtype, layout):
    x, quality = images((24, 40)), torch.tensor([40, 60, 80, 95])
    expected = jpeg_round_trip(x, quality)
    shifted = x + 0.3 if dtype == torch.float32 else x
    shifted = shifted.contiguous(memory_format=layout)
    kept = shifted.clone()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = jpeg_round_trip(shifted, quality)
    torch.testing.assert_close(out, expected, rtol=0, atol=0)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert shifted.equal(kept)


@pytest.mark.parametrize('quality', [0, 101])
def test_quality_is_checked(quality):
    message = rf'quality_B must be in \[1, 100\], got {quality}'
    with pytest.raises(ValueError, match=message):
        jpeg_round_trip(images(num_images=1), torch.tensor([quality]))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_on_the_gpu():
    x, quality = images((24, 40)), torch.tensor([40, 60, 80, 95])
    on_gpu = jpeg_round_trip(x.cuda(), quality).cpu()
    error = (on_gpu - jpeg_round_trip(x, quality)).abs()
    # a sum in another order may fall to the other side of a half
    assert error.mean() < 0.05
    assert error.max() <= 16
