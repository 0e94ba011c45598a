"""Sizes of pictures that are read at all; converters and data sets share them."""

from __future__ import annotations

MIN_SIDE = 4
"""Pixels; below this no lid can be told from an iris."""

MAX_PIXELS = 2**24
"""4096 x 4096: no eye crop comes near, and a damaged header or a hostile file must not
fill the memory (20,000 x 20,000 pixels are 1.2 GB, in each decoding thread)."""

MAX_FRAME_PIXELS = 2**26
"""8192 x 8192: a frame of a video of 8K has 33 million pixels."""

MAX_PICTURE_BYTES = 2**28
"""256 MiB, of a file: the largest picture of ``MAX_PIXELS`` without compression, of 16
bits and four channels, has half of that."""
