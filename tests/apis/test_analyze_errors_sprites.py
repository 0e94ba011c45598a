import base64

import cv2
import numpy as np
import pytest

from ocec.apis.analyze_errors_sprites import pack_sprites


def decode(sheet):
    start, data = sheet.source.split(',', 1)
    assert start == 'data:image/jpeg;base64'
    encoded = np.frombuffer(base64.b64decode(data), np.uint8)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]


def cut(sheets, sprite):
    image = decode(sheets[sprite.sheet])
    return image[
        sprite.y : sprite.y + sprite.height, sprite.x : sprite.x + sprite.width
    ]


def test_every_picture_is_where_its_sprite_says():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (250, 3))
    shapes = rng.integers(5, 40, (250, 2))
    images = [
        np.full((*shape, 3), colour, np.uint8)
        for shape, colour in zip(shapes, colours, strict=True)
    ]
    sheets, sprites = pack_sprites(images)
    assert [sprite.sheet for sprite in sprites] == [0] * 200 + [1] * 50
    for sheet in sheets:
        assert decode(sheet).shape == (sheet.height, sheet.width, 3)
    for place in (0, 9, 10, 199, 200, 249):
        image, sprite = images[place], sprites[place]
        assert (sprite.native_height, sprite.native_width) == image.shape[:2]
        # no colour of a neighbour: all pixels, the edges too
        np.testing.assert_allclose(cut(sheets, sprite).astype(int), image, atol=4)


def test_large_pictures_are_made_smaller():
    image = np.zeros((100, 512, 3), np.uint8)
    image[:, 256:] = 255
    sheets, [sprite] = pack_sprites([image])
    assert (sprite.height, sprite.width) == (25, 128)
    assert (sprite.native_height, sprite.native_width) == (100, 512)
    found = cut(sheets, sprite)
    assert found[:, :60].max() < 8
    assert found[:, 68:].min() > 247
    _, [thin] = pack_sprites([np.zeros((1, 1000, 3), np.uint8)])
    assert (thin.height, thin.width) == (1, 128)


@pytest.mark.parametrize('images', [[], ()])
def test_no_pictures(images):
    assert pack_sprites(images) == ([], [])
