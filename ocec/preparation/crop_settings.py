"""How person crops are made, and what of it must be the same in one folder."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ('mp4', 'jpeg')
_MIN_SIZE = 16  # pixels, below which H.264 encoders refuse


@dataclass(frozen=True)
class CropSettings:
    """How person crops are made.

    Args:
        size: of a crop in pixels, >= 16 and even; its short side with ``keep_ratio``.
        keep_ratio: do not stretch boxes that are no squares.
        format: ``mp4`` of H.264, or ``jpeg``: a ZIP archive of pictures.
        gop: frames from one that can be decoded alone to the next, >= 1, of ``mp4``.
        crf: quality of ``mp4``, 0 best to 51 worst.
        quality: of ``jpeg``, 1 worst to 100 best.
        padding: of :func:`ocec.functional.person_box.person_box`, as the next three.
        ratio: height over width of the box.
        min_size_px: joints that span less give the whole frame.
        beyond_frame: let the box end outside the frame.

    Raises:
        ValueError: a setting is out of range.
    """

    size: int = 224
    keep_ratio: bool = False
    format: str = 'mp4'
    gop: int = 8
    crf: int = 18
    quality: int = 90
    padding: float = 0.25
    ratio: float | None = 1.0
    min_size_px: float = 10.0
    beyond_frame: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        for name, is_good, rule in (
            ('size', self.size >= _MIN_SIZE and self.size % 2 == 0, 'even and >= 16'),
            ('format', self.format in FORMATS, f'one of {FORMATS}'),
            ('gop', self.gop >= 1, '>= 1'),
            ('crf', 0 <= self.crf <= 51, 'in [0, 51]'),
            ('quality', 1 <= self.quality <= 100, 'in [1, 100]'),
            ('padding', self.padding >= 0, '>= 0'),
            ('ratio', self.ratio is None or self.ratio > 0, '> 0'),
            ('min_size_px', self.min_size_px >= 0, '>= 0'),
        ):
            if not is_good:
                raise ValueError(f'{name} must be {rule}, got {getattr(self, name)!r}')

    @property
    def box(self) -> dict:
        """Arguments of :func:`ocec.functional.person_box.person_box`."""
        return {
            'padding': self.padding,
            'ratio': self.ratio,
            'min_size_px': self.min_size_px,
            'beyond_frame': self.beyond_frame,
        }

    @property
    def suffix(self) -> str:
        """End of the names of the files, after the name of the clip."""
        return '_rgb.mp4' if self.format == 'mp4' else '.zip'

    def as_json(self) -> dict:
        """Return the settings that have an effect on the files."""
        codec = ('gop', 'crf') if self.format == 'mp4' else ('quality',)
        names = ('format', 'size', 'keep_ratio', *codec)
        return {name: getattr(self, name) for name in names} | self.box

    def frame_size(self, height: float, width: float) -> tuple[int, int]:
        """Say how large the crop of a box is.

        Args:
            height: of the box in pixels, > 0.
            width: of the box in pixels, > 0.

        Returns:
            Height and width in pixels, even.

        Example:
            >>> CropSettings(keep_ratio=True).frame_size(100, 150)
            (224, 336)
        """
        if not self.keep_ratio:
            return self.size, self.size
        scale = self.size / min(height, width)
        return tuple(2 * round(side * scale / 2) for side in (height, width))
