"""The settings of a stacking, read from a config file and checked before any work."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config
from ocec.stacking import build_combiner

DEFAULT_META = (
    'lightgbm',
    'logistic',
    'mean',
    'logit_mean',
    'weighted_mean',
    'best_single',
    'majority_vote',
    'two_level',
    'dynamic',
)
# what every combiner is compared with
BASELINE = 'mean'
#: what may be let through, and what that means for the numbers
ALLOWANCES = {
    'unverified': 'the training rows of a member cannot be found, so nothing tells '
    'whether it has seen the rows it is scored on',
    'val_rows': 'stack rows were validation rows of a member, which chose its epoch '
    'by them: its scores there are slightly too good',
    'group_names': 'a group of the same name is in the training data of a member: '
    'right only if it is another subject or recording',
}
NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+-]*')


@dataclass(frozen=True)
class MemberConfig:
    """One base model.

    Args:
        name: of the member; becomes a file name.
        checkpoint: its weights.
        config: config file; None takes the config that the checkpoint holds.
        mc_dropout: passes with dropout, whose probabilities are averaged and whose
            spread is a feature; 0 runs the model once, without dropout.
        swap: run it on swapped pairs too: ``(p(L, R) + 1 - p(R, L)) / 2`` is its
            probability, both are its features.
        cfg_options: ``KEY=VALUE`` texts for its config.
    """

    name: str
    checkpoint: Path
    config: Path | None = None
    mc_dropout: int = 0
    swap: bool = False
    cfg_options: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataConfig:
    """A named split.

    Args:
        data: file, folder or pattern; None keeps that of the member's config.
        split: as ``stack``; None keeps that of its test loader.
    """

    data: str | tuple[str, ...] | None = None
    split: str | None = None

    def __str__(self) -> str:
        """Return the words for messages."""
        split = 'test loader' if self.split is None else f'split "{self.split}"'
        return f'{split} of {"the config" if self.data is None else self.data}'


@dataclass(frozen=True)
class StackConfig:
    """A stacking.

    Args:
        members: at least two.
        stack: what the combiners are fitted and cross-validated on.
        test: what nothing was fitted or chosen on; None for no such numbers.
        meta: name of a combiner to its settings.
        folds: of the cross-validation, >= 2.
        seed: of folds and combiners.
        out: folder for reports and ensemble.
        final: name of the combiner that the ensemble predicts with; None takes the one
            with the highest out-of-fold accuracy.
        copy_checkpoints: whether the ensemble holds copies of the weights, or their
            paths and digests.
        allow: names of ``ALLOWANCES``.
        batch_size: of scoring; None keeps that of the members' configs.
    """

    members: tuple[MemberConfig, ...]
    stack: DataConfig
    test: DataConfig | None
    meta: dict[str, dict]
    folds: int
    seed: int
    out: Path
    final: str | None
    copy_checkpoints: bool
    allow: tuple[str, ...]
    batch_size: int | None


KEYS = tuple(field.name for field in fields(StackConfig))
MEMBER_KEYS = (*(field.name for field in fields(MemberConfig)), 'work_dir')


def read_stack_config(
    config: str | Path,
    *,
    out: str | Path | None = None,
    allow: Sequence[str] = (),
) -> StackConfig:
    """Read and check a stacking config.

    Args:
        config: a Python config with the keys of :class:`StackConfig`; ``members`` is a
            list of ``dict(name=..., checkpoint=...)`` or ``dict(name=...,
            work_dir=...)``, which takes the best checkpoint of a run; ``stack`` and
            ``test`` are ``dict(data=..., split=...)``; ``meta`` is a list of names or
            dicts of combiners.
        out: in place of that of the config.
        allow: added to those of the config.

    Returns:
        The settings.

    Raises:
        ConfigError: a key is unknown, missing or wrong; the message names it.
    """
    cfg = read_config(config).to_dict()
    _check_keys(cfg, KEYS, 'the config of a stacking')
    for key in ('members', 'stack'):
        if not cfg.get(key):
            raise ConfigError(f'{config}: {key} is missing')
    members = [_read_member(m, i) for i, m in enumerate(_list(cfg, 'members'))]
    names = [member.name for member in members]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f'members: two are called {twice[0]!r}: give each its own name'
        )
    if len(members) < 2:
        raise ConfigError(f'members: an ensemble needs two or more, got {len(members)}')
    meta = _read_meta(_list(cfg, 'meta', DEFAULT_META), seed=cfg.get('seed', 42))
    final = cfg.get('final')
    if final is not None and final not in meta:
        raise ConfigError(f'final={final!r} is not in meta: {", ".join(meta)}')
    stem = Path(config).stem
    return StackConfig(
        members=tuple(members),
        stack=_read_data(cfg['stack'], 'stack'),
        test=None if cfg.get('test') is None else _read_data(cfg['test'], 'test'),
        meta=meta,
        folds=_whole(cfg, 'folds', 5, at_least=2),
        seed=_whole(cfg, 'seed', 42, at_least=0),
        out=Path(out or cfg.get('out') or Path('work_dirs') / stem),
        final=final,
        copy_checkpoints=bool(cfg.get('copy_checkpoints', True)),
        allow=_read_allow([*_list(cfg, 'allow', ()), *allow]),
        batch_size=cfg.get('batch_size'),
    )


def _read_member(settings: object, index: int) -> MemberConfig:
    where = f'members[{index}]'
    if not isinstance(settings, Mapping):
        raise ConfigError(f'{where} must be a dict(name=..., checkpoint=...)')
    _check_keys(settings, MEMBER_KEYS, where)
    name = settings.get('name')
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(
            f'{where}.name must be letters, digits and . _ + -, got {name!r}'
        )
    where = f'member {name!r}'
    if ('checkpoint' in settings) == ('work_dir' in settings):
        raise ConfigError(f'{where}: give either checkpoint or work_dir')
    if 'work_dir' in settings:
        checkpoint = _best_checkpoint(Path(settings['work_dir']), where)
    else:
        checkpoint = Path(settings['checkpoint'])
    if not checkpoint.is_file():
        raise ConfigError(f'{where}: {checkpoint}: no such checkpoint')
    config = settings.get('config')
    if config is not None and not Path(config).is_file():
        raise ConfigError(f'{where}: {config}: no such config file')
    member = MemberConfig(
        name=name,
        checkpoint=checkpoint,
        config=None if config is None else Path(config),
        mc_dropout=_whole(settings, 'mc_dropout', 0, at_least=0, where=f'{where}: '),
        swap=bool(settings.get('swap', False)),
        cfg_options=tuple(_list(settings, 'cfg_options', ())),
    )
    if member.mc_dropout == 1:
        raise ConfigError(f'{where}: mc_dropout=1 is no average: choose 2 or more')
    if member.mc_dropout and member.swap:
        raise ConfigError(f'{where}: mc_dropout and swap exclude each other')
    return member


def _best_checkpoint(work_dir: Path, where: str) -> Path:
    record = work_dir / 'best.json'
    if not record.is_file():
        raise ConfigError(
            f'{where}: {record} is missing: {work_dir} is no finished run with a best '
            'checkpoint; name one with checkpoint='
        )
    try:
        return work_dir / Path(json.loads(record.read_text())['file']).name
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f'{where}: {record} is damaged: {error}') from error


def _read_data(settings: object, where: str) -> DataConfig:
    if not isinstance(settings, Mapping):
        raise ConfigError(f'{where} must be a dict(data=..., split=...)')
    _check_keys(settings, ('data', 'split'), where)
    data = settings.get('data')
    return DataConfig(
        tuple(data) if isinstance(data, list) else data, settings.get('split')
    )


def _read_meta(entries: Sequence, *, seed: int) -> dict[str, dict]:
    """Settings of each combiner by its name; the baseline is always there."""
    meta: dict[str, dict] = {}
    for entry in entries:
        settings = {'type': entry} if isinstance(entry, str) else dict(entry)
        name = settings.pop('name', settings.get('type'))
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(
                f'meta: a name must be letters, digits and . _ + -, got {name!r}'
            )
        if name in meta:
            raise ConfigError(f'meta: two combiners are called {name!r}: add name=...')
        if name == BASELINE != settings['type']:
            raise ConfigError(f'meta: only the plain mean may be called {BASELINE!r}')
        try:
            build_combiner(settings, seed=seed)
        except (TypeError, ValueError) as error:
            raise ConfigError(f'meta: {error}') from error
        meta[name] = settings
    return meta if BASELINE in meta else {**meta, BASELINE: {'type': BASELINE}}


def _read_allow(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in ALLOWANCES:
            raise ConfigError(
                f'allow: there is no {name!r}; there are {", ".join(ALLOWANCES)}'
            )
    return tuple(sorted(set(names)))


def _check_keys(settings: Mapping, known: Sequence[str], where: str) -> None:
    for key in settings:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f'; did you mean {close[0]}?' if close else ''
            raise ConfigError(
                f'{key}: no key of {where}{hint}; there are {", ".join(known)}'
            )


def _list(settings: Mapping, key: str, default: Sequence = ()) -> list:
    value = settings.get(key, default)
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f'{key} must be a list, got {value!r}')
    return list(value)


def _whole(settings, key: str, default: int, *, at_least: int, where: str = '') -> int:
    value = settings.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ConfigError(
            f'{where}{key} must be a whole number >= {at_least}, got {value!r}'
        )
    return value
