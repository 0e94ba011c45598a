"""The members of each stage: which config, under which name, with which seeds."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ocec
from ocec.apis.errors import ConfigError

STACKING = 'stage4'
STAGES = {
    'stage0': 'plain compare net',
    'stage1': 'six fusions and CBAM',
    'stage2': 'residual towers, focal loss, mixed precision',
    'stage3': 'several seeds, a feature pyramid',
    'order': 'heads that know that the question is which is larger',
    STACKING: 'the members of all stages combined',
}


@dataclass(frozen=True)
class StageMember:
    """One training.

    Args:
        stage: a key of ``STAGES``.
        name: of the net, unique within the stage.
        config: file in ``configs/pair``, without ``.py``; or the path of a config.
        seed: of all random numbers.
        cfg_options: ``KEY=VALUE`` texts.
    """

    stage: str
    name: str
    config: str
    seed: int = 42
    cfg_options: tuple[str, ...] = ()

    @property
    def run(self) -> str:
        """Folder of the run within the folder of its stage."""
        return f'{self.name}-s{self.seed}'

    @property
    def path(self) -> Path:
        """The config file, in a clone or in an installed package."""
        if self.config.endswith('.py'):
            return Path(self.config)
        package = Path(ocec.__file__).parent
        places = [
            root / 'configs' / 'pair' for root in (package.parent, package / '.mim')
        ]
        files = [place / f'{self.config}.py' for place in places]
        return next((file for file in files if file.is_file()), files[0])


def _seeds(stage: str, name: str, config: str, *seeds: int, **settings) -> list:
    return [StageMember(stage, name, config, seed, **settings) for seed in seeds]


#: the recipes of the guide, and the nets made for the question; for a GPU
FULL = [
    *_seeds('stage0', 'compare', 'pair-stage0-compare_1xb64-50e_digits-28x28', 42),
    *_seeds(
        'stage1',
        'cbam-fusion6',
        'pair-stage1-cbam-fusion6_1xb64-50e_digits-28x28',
        42,
    ),
    *_seeds('stage2', 'resnet333', 'pair-stage2-resnet333_1xb64-100e_digits-28x28', 42),
    *_seeds(
        'stage2',
        'resnet222-fusion5',
        'pair-stage2-resnet222-fusion5_1xb64-80e_digits-28x28',
        42,
    ),
    *_seeds('stage2', 'resnet222', 'pair-stage2-resnet222_1xb64-80e_digits-28x28', 42),
    *_seeds(
        'stage3',
        'resnet333',
        'pair-stage3-resnet333_1xb64-50e_digits-28x28',
        *(42, 2023, 2024, 2025),
    ),
    *_seeds('stage3', 'fpn', 'pair-stage3-fpn_1xb64-60e_digits-28x28', 42),
    *_seeds(
        'stage3',
        'fusion5',
        'pair-stage3-fusion5_1xb64-50e_digits-28x28',
        *(42, 123, 456),
    ),
    *_seeds('order', 'antisymmetric', 'pair-antisymmetric_1xb64-50e_digits-28x28', 42),
    *_seeds('order', 'order', 'pair-order_1xb64-50e_digits-28x28', 42),
    *_seeds('order', 'order-stream', 'pair-order-stream_1xb256-100e_digits-28x28', 42),
]
#: the same stages for two CPU cores; stage 2 has seed 42 of the net of stage 3
SMALL = [
    *_seeds(
        'stage0',
        'compare',
        'pair-stage0-compare_1xb64-50e_digits-28x28',
        42,
        cfg_options=('train_cfg.max_epochs=20',),
    ),
    *_seeds(
        'stage1',
        'cbam-fusion6',
        'pair-small-cbam-fusion6_1xb256-20e_digits-28x28',
        42,
    ),
    *_seeds('stage2', 'fusion5', 'pair-small-fusion5_1xb256-20e_digits-28x28', 42),
    *_seeds(
        'stage3', 'fusion5', 'pair-small-fusion5_1xb256-20e_digits-28x28', 123, 456
    ),
    *_seeds('stage3', 'fpn', 'pair-small-fpn_1xb256-20e_digits-28x28', 42),
    *_seeds(
        'order',
        'antisymmetric',
        'pair-small-antisymmetric_1xb256-20e_digits-28x28',
        42,
    ),
    *_seeds('order', 'order', 'pair-small-order_1xb256-20e_digits-28x28', 42, 123, 456),
]
PROFILES = {'full': FULL, 'small': SMALL}


def choose_members(
    members: Sequence[StageMember],
    *,
    stages: Sequence[str] = (),
    names: Sequence[str] = (),
    seeds: Sequence[int] = (),
    cfg_options: Sequence[str] = (),
) -> list[StageMember]:
    """Choose among the members of a profile.

    Args:
        members: of the profile.
        stages: their stages; none for all.
        names: their names; none for all.
        seeds: every chosen net is trained with each of these; none keeps those of the
            profile.
        cfg_options: added to those of each member.

    Returns:
        The members, in the order of the profile.

    Raises:
        ConfigError: there is no such stage or name, or nothing is left.
    """
    _check_known('--stages', stages, list(STAGES))
    _check_known('--members', names, list(dict.fromkeys(m.name for m in members)))
    chosen = [
        replace(member, cfg_options=(*member.cfg_options, *cfg_options))
        for member in members
        if (not stages or member.stage in stages)
        and (not names or member.name in names)
    ]
    if not chosen and set(stages) != {STACKING}:
        raise ConfigError(
            f'no member of {", ".join(stages)} is called {", ".join(names)}'
        )
    if not seeds:
        return chosen
    nets = dict.fromkeys(replace(member, seed=0) for member in chosen)
    return [replace(net, seed=seed) for net in nets for seed in dict.fromkeys(seeds)]


def _check_known(option: str, words: Sequence[str], known: list[str]) -> None:
    for word in words:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=1)
            hint = f'; did you mean {close[0]}?' if close else ''
            raise ConfigError(
                f'{option}: there is no {word!r}{hint} There are: {", ".join(known)}'
            )
