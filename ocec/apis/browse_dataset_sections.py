"""Pictures before and after each step between a file and the network.

Everything shown is pixels in [0, 255] before normalisation. Shapes: B pictures,
C channels, H x W pixels.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.runner import set_random_seed
from torch import Tensor, nn

from ocec.apis.check_dataset_scan import read_pictures
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.eye_table import NO_GROUP
from ocec.functional.probability import CLASS_NAMES
from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor
from ocec.preparation.contact_sheet import Tile

NUM_VARIANTS = 5
# a difference below is rounding
UNCHANGED_BELOW = 1e-3


@dataclass(frozen=True)
class Section:
    """One step, shown on some pictures.

    Args:
        name: of its files, as ``02_BatchJPEG``.
        title: what is shown.
        text: how to read it.
        sets: for each picture, the tiles that belong together: before, then after.
        label_B: (B,) label of each picture.
        normalised: lowest and highest value after normalisation, of all tiles but
            those of native size.
    """

    name: str
    title: str
    text: str
    sets: tuple[tuple[Tile, ...], ...]
    label_B: np.ndarray
    normalised: tuple[float, float]


class SectionMaker:
    """Makes the sections of some pictures; each starts from the same seed.

    Args:
        dataset: what the pictures are from.
        preprocessor: of the model.
        indices: B numbers of pictures of the dataset.
        seed: of all random numbers.
        allow_outside: also read files outside the folder of their parquet file.
    """

    def __init__(
        self,
        dataset: EyeParquet,
        preprocessor: ImagePreprocessor,
        indices: Sequence[int],
        *,
        seed: int,
        allow_outside: bool = False,
    ) -> None:
        self.dataset = dataset
        self.preprocessor = preprocessor
        self.indices = list(indices)
        self.seed = seed
        self.allow_outside = allow_outside
        set_random_seed(seed)
        batch = dataset.__getitems__(self.indices)
        self.x_BCHW, self.targets = batch['inputs'], batch['data_samples']
        self.captions = [self._caption(number) for number in range(len(self.indices))]

    def from_file(self) -> Section:
        """Show each picture at native size and as the dataset hands it over.

        Returns:
            The section; a per-image pipeline is run several times.
        """
        set_random_seed(self.seed)
        row_B = self.targets.sample_id_B.tolist()
        native = read_pictures(
            self.dataset.table, row_B, allow_outside=self.allow_outside
        )
        draws = [self.x_BCHW]
        name, title = '00_file', 'from the file to the size of the model'
        text = 'Left: the file at native size. Right: decoded and resized.'
        if self.dataset.pipeline is not None:
            name, title = '00_pipeline', "the dataset's per-image pipeline"
            text = f'Left: the file. Right: the pipeline, {NUM_VARIANTS} times.'
            draws = [
                self.dataset.__getitems__(self.indices)['inputs']
                for _ in range(NUM_VARIANTS)
            ]
        files = [
            Tile(native[row], (*caption, 'file {1}x{0}'.format(*native[row].shape)))
            for row, caption in zip(row_B, self.captions, strict=True)
        ]
        height, width = self.dataset.image_size
        after = [self._tiles(x_BCHW, f'{width}x{height}') for x_BCHW in draws]
        return self._section(name, title, text, [files, *after], draws)

    def alone(self, number: int, settings: str) -> Section:
        """Show what one batched augmentation does, with probability 1.

        Args:
            number: which entry of ``batch_augments``, from 0 on.
            settings: its config in words.

        Returns:
            The section.
        """
        augment = copy.deepcopy(self.preprocessor.batch_augments[number])
        name = type(augment).__name__
        text = f'{settings}.'
        if hasattr(augment, 'prob'):
            text += f' Here with prob 1; the config has {augment.prob:g}.'
            augment.prob = 1.0
        set_random_seed(self.seed)
        after_BCHW = augment(self.x_BCHW)
        columns = [self._before(), self._compared(after_BCHW)]
        title = f'{name} alone'
        return self._section(
            f'{number + 1:02}_{name}', title, text, columns, [after_BCHW]
        )

    def whole_list(self) -> Section:
        """Show what the whole list does, several times.

        Returns:
            The section.
        """
        set_random_seed(self.seed)
        draws = [self._augmented() for _ in range(NUM_VARIANTS)]
        number = len(self.preprocessor.batch_augments) + 1
        text = (
            f'Left: before. Right: {NUM_VARIANTS} draws with the probabilities of the '
            'config, as in training.'
        )
        columns = [self._before(), *map(self._compared, draws)]
        title = 'the whole list of batch_augments'
        return self._section(f'{number:02}_whole_list', title, text, columns, draws)

    def mixed(self, settings: str) -> Section:
        """Show what Mixup, CutMix and their like do after the whole list.

        Args:
            settings: the config of ``mix_augments`` in words.

        Returns:
            The section; the soft label stands below each picture.
        """
        set_random_seed(self.seed)
        augmented_BCHW = self._augmented()
        draws, columns = [], [self._tiles(augmented_BCHW, 'before mixing')]
        for _ in range(NUM_VARIANTS):
            normalised = self.preprocessor.normalize(augmented_BCHW)
            mixed_BCHW, targets = self.preprocessor.mixer(normalised, self.targets)
            draws.append(mixed_BCHW * self.preprocessor.std + self.preprocessor.mean)
            shares = [f'soft label {share:.2f} open' for share in targets.soft_label_B]
            columns.append(self._tiles(draws[-1], shares))
        number = len(self.preprocessor.batch_augments) + 2
        text = (
            f'{settings}. Left: after the list. Right: {NUM_VARIANTS} draws, in which '
            'the pictures shown are mixed with each other.'
        )
        title = 'mix_augments'
        return self._section(f'{number:02}_{title}', title, text, columns, draws)

    def _section(self, name, title, text, columns, draws: Sequence[Tensor]) -> Section:
        normalised = self.preprocessor.normalize(torch.cat([x.float() for x in draws]))
        return Section(
            name=name,
            title=title,
            text=text,
            sets=tuple(zip(*columns, strict=True)),
            label_B=self.targets.label_B.numpy(),
            normalised=(normalised.min().item(), normalised.max().item()),
        )

    def _augmented(self) -> Tensor:
        x_BCHW = self.x_BCHW
        for augment in self.preprocessor.batch_augments:
            x_BCHW = augment(x_BCHW)
        return x_BCHW

    def _before(self) -> list[Tile]:
        return self._tiles(self.x_BCHW, 'before')

    def _compared(self, after_BCHW: Tensor) -> list[Tile]:
        difference_B = (
            (after_BCHW.float() - self.x_BCHW.float()).abs().mean(dim=(1, 2, 3))
        )
        lines = [
            'unchanged' if d < UNCHANGED_BELOW else f'mean change {d:.1f}'
            for d in difference_B.tolist()
        ]
        return self._tiles(after_BCHW, lines)

    def _tiles(self, x_BCHW: Tensor, lines: str | Sequence[str]) -> list[Tile]:
        lines = [lines] * len(x_BCHW) if isinstance(lines, str) else lines
        pixels_BCHW = x_BCHW.float().round().clamp(0, 255).to(torch.uint8)
        images_BHWC = pixels_BCHW.permute(0, 2, 3, 1).contiguous().numpy()
        return [
            Tile(image, (*caption, line))
            for image, caption, line in zip(
                images_BHWC, self.captions, lines, strict=True
            )
        ]

    def _caption(self, number: int) -> tuple[str, str]:
        """Sample id and label, and group."""
        sample_id, label, group = (
            int(values[number])
            for values in (
                self.targets.sample_id_B,
                self.targets.label_B,
                self.targets.group_id_B,
            )
        )
        names = self.dataset.table.group_names
        return (
            f'{sample_id} {CLASS_NAMES[label]}',
            'no group' if group == NO_GROUP else names[group],
        )


def make_sections(
    maker: SectionMaker, augments: Sequence[dict | nn.Module], mix: dict | None
) -> Iterator[Section]:
    """Make all sections of a config.

    Args:
        maker: of the pictures.
        augments: ``batch_augments`` of the config.
        mix: ``mix_augments`` of the config, or None.

    Yields:
        from the file, each augmentation alone, the whole list, mixing.
    """
    yield maker.from_file()
    for number, settings in enumerate(augments):
        yield maker.alone(number, describe_settings(settings))
    if augments:
        yield maker.whole_list()
    if mix is not None:
        yield maker.mixed(describe_settings({'type': 'mix_augments', **mix}))


def describe_settings(settings: dict | nn.Module) -> str:
    """Write a config entry as one line.

    Args:
        settings: with ``type``, or a module.

    Returns:
        As ``BatchRandomFlip(prob=0.5)``.

    Example:
        >>> describe_settings({'type': 'BatchRandomFlip', 'prob': 0.5})
        'BatchRandomFlip(prob=0.5)'
    """
    if isinstance(settings, nn.Module):
        return type(settings).__name__
    listed = ', '.join(f'{k}={v!r}' for k, v in settings.items() if k != 'type')
    return f'{settings["type"]}({listed})'
