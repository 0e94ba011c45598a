"""Whether a member has seen the rows that a stacking is to be judged on.

Shapes: N rows, K distinct ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from mmengine.config import Config
from torch.utils.data import Dataset

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_data import (
    build_dataset,
    changed_since_training,
    scored_settings,
    stored_config,
)
from ocec.datasets.eye_table import NO_GROUP
from ocec.datasets.pair_file import load_npz
from ocec.datasets.pixel_digests import digest_images
from ocec.datasets.source_digits import DIGITS_FILE

# parts of a member's own data, and what it did with them
OWN_PARTS = {'train': 'was trained on', 'val': 'chose its epoch by'}


@dataclass(frozen=True)
class RowIdentity:
    """By what rows of two data sets are recognised.

    Args:
        num_rows: of the data set.
        pixels: (K,) distinct digests of pictures, sorted; None where there are none.
        sources: (K,) distinct digests of the source digits; None likewise.
        groups: names of subjects or recordings.
    """

    num_rows: int
    pixels: np.ndarray | None
    sources: np.ndarray | None
    groups: frozenset[str]


@dataclass(frozen=True)
class Overlap:
    """What two data sets share.

    Args:
        kind: ``rows``, ``groups`` or ``unknown``.
        text: in words.
    """

    kind: str
    text: str


def refuse_overlaps(
    members: Sequence[MemberConfig],
    stack: DataConfig,
    test: DataConfig | None,
    *,
    allow: Sequence[str] = (),
    trust: bool = False,
) -> list[str]:
    """Refuse to stack on rows that a member was trained on or chosen by.

    The data of each member are built anew from the config in its checkpoint. Pictures
    are compared by their pixels as the member sees them, pairs by their source digits
    too, groups by name. What training recorded of its data must still be so.

    Args:
        members: the base models.
        stack: what combiners are fitted on.
        test: what they are judged on; or None.
        allow: names of :data:`ocec.apis.stack_config.ALLOWANCES`.
        trust: unpickle anything from checkpoints.

    Returns:
        What was let through, in words.

    Raises:
        ConfigError: rows overlap, or nothing tells that they do not; the message
            says what is shared and what helps.
    """
    let_through, read = [], _Reader()
    for member in members:
        cfg = stored_config(member, trust=trust)
        identity_of = {
            role: _scored(read, member, cfg, role, source)
            for role, source in (('stack', stack), ('test', test))
            if source is not None
        }
        problems = list(_compare_parts(read, member, cfg, identity_of))
        if member is members[0] and test is not None:
            shared = compare(identity_of['stack'], identity_of['test'])
            problems += _between_roles(shared)
        for allowance, text in problems:
            if allowance is None or allowance not in allow:
                raise ConfigError(text + _advice(allowance))
            let_through.append(text)
    return let_through


def identify(dataset: Dataset) -> RowIdentity:
    """Collect what the rows of a data set are recognised by.

    Args:
        dataset: eyes, pairs, or another with ``pixel_digests()``.

    Returns:
        The identity.
    """
    digest = getattr(dataset, 'pixel_digests', lambda: None)()
    return RowIdentity(
        num_rows=len(dataset),
        pixels=None if digest is None else _distinct(digest),
        sources=_sources(dataset),
        groups=_group_names(dataset),
    )


def compare(own: RowIdentity, scored: RowIdentity) -> Overlap | None:
    """Look for rows of one data set in another.

    Args:
        own: what a member has seen.
        scored: what it is to be scored on.

    Returns:
        What they share, or that nothing can tell; None if they share nothing.
    """
    known = False
    for name, own_keys, scored_keys in (
        ('pictures, pixel for pixel', own.pixels, scored.pixels),
        ('source digits', own.sources, scored.sources),
    ):
        if own_keys is None or scored_keys is None:
            continue
        known = True
        if shared := len(np.intersect1d(own_keys, scored_keys)):
            return Overlap('rows', f'{shared:,} of {len(scored_keys):,} {name}')
    if shared := sorted(own.groups & scored.groups):
        shown = ', '.join(shared[:3]) + (', ...' if len(shared) > 3 else '')
        return Overlap('groups', f'{len(shared):,} groups ({shown})')
    if known:
        return None
    return Overlap('unknown', 'neither pixels nor source digits of both are known')


class _Reader:
    """Reads data sets; members that share one have it read once."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[Dataset, RowIdentity]] = {}

    def __call__(self, settings: Mapping) -> tuple[Dataset, RowIdentity]:
        key = repr(sorted(settings.items()))
        if key not in self._read:
            dataset = build_dataset(settings)
            self._read[key] = dataset, identify(dataset)
        return self._read[key]


def _scored(
    read: _Reader, member: MemberConfig, cfg: Config, role: str, source: DataConfig
) -> RowIdentity:
    try:
        return read(scored_settings(cfg, source))[1]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f'{role}: member {member.name!r} cannot read {source}: {error}'
        ) from error


def _compare_parts(read, member, cfg, identity_of) -> Iterator[tuple[str | None, str]]:
    """Yield (what would let it through, text) of each problem of a member."""
    for part, verb in OWN_PARTS.items():
        settings = (cfg.get(f'{part}_dataloader') or {}).get('dataset')
        if settings is None:
            if part == 'train':
                yield 'unverified', _unknown(member, part, 'its config names none')
            continue
        try:
            own, own_identity = read(settings)
        except (OSError, ValueError, KeyError) as error:
            yield 'unverified', _unknown(member, part, str(error))
            continue
        if changed := changed_since_training(member.checkpoint, part, own):
            yield 'unverified', _unknown(member, part, f'they have changed: {changed}')
        for role, identity in identity_of.items():
            shared = compare(own_identity, identity)
            if shared is None:
                continue
            if shared.kind == 'unknown':
                yield 'unverified', _unknown(member, part, f'{role}: {shared.text}')
                continue
            text = f'member {member.name!r} {verb} {shared.text} that are in {role}'
            if shared.kind == 'groups':
                yield 'group_names', text
            else:
                is_mild = part == 'val' and role == 'stack'
                yield 'val_rows' if is_mild else None, text


def _between_roles(shared: Overlap | None) -> list[tuple[str | None, str]]:
    if shared is None:
        return []
    text = f'stack and test share {shared.text}'
    return [({'groups': 'group_names', 'unknown': 'unverified'}.get(shared.kind), text)]


def _unknown(member: MemberConfig, part: str, why: str) -> str:
    return f'member {member.name!r}: its {part} data cannot be compared: {why}'


def _advice(allowance: str | None) -> str:
    if allowance is None:
        return (
            '. Scores of rows that a model has seen are too good, and so is what is '
            'learned from them: choose data that no member has seen'
        )
    words = {
        'unverified': 'Put the data where the config in the checkpoint names them, or '
        'go on without knowing: --allow-unverified',
        'val_rows': "Choose other data, or accept it: allow=['val_rows'] in the config",
        'group_names': 'Choose other data, or, if these are other subjects of the same '
        "name: allow=['group_names'] in the config",
    }
    return f'. {words[allowance]}; the report says so then'


def _sources(dataset: Dataset) -> np.ndarray | None:
    """Digests of the source digits of pairs: numbers differ from folder to folder."""
    if not hasattr(dataset, 'source_digits') or not len(dataset.source_digits()):
        return None
    table = getattr(dataset, 'table', None)
    file = table.file.parent / DIGITS_FILE if table else dataset.source.file
    if not file.is_file():
        return None
    x_SHW = load_npz(file)['x'][dataset.source_digits()]
    return _distinct(digest_images(np.ascontiguousarray(x_SHW[..., None])))


def _group_names(dataset: Dataset) -> frozenset[str]:
    # blocks of pairs are numbers of one folder; their source digits say more
    table = getattr(dataset, 'table', None)
    if not hasattr(table, 'group_names'):
        return frozenset()
    codes = np.unique(table.group_N[dataset.rows])
    return frozenset(table.group_names[code] for code in codes if code != NO_GROUP)


def _distinct(digest_N2: np.ndarray) -> np.ndarray:
    """One item for each digest; 0 is a picture of one colour, which is none."""
    digest_N2 = np.asarray(digest_N2)
    shows_N2 = digest_N2[digest_N2.any(1)]
    pair = np.dtype([('a', np.uint64), ('b', np.uint64)])
    return np.unique(np.ascontiguousarray(shows_N2).view(pair)[:, 0])
