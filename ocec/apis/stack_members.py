"""The scores of all members on one split, kept on disk. Shapes: N rows, M members."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from torch.utils.data import Dataset

from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_data import (
    build_dataset,
    scored_settings,
    scoring_config,
    without_labels,
)
from ocec.apis.stack_dropout import dropout_scores
from ocec.engine.checkpoint_io import file_sha256, load_safely
from ocec.registry import MODELS
from ocec.stacking import BaseScores, MemberScores, join_members
from ocec.version import __version__

# goes up when the same key would mean other numbers
CACHE_VERSION = 1
# what the arrays of all members must agree in
ROW_KEYS = ('sample_id', 'label', 'group')


@dataclass(frozen=True)
class ScoredMembers:
    """One split, scored by all members.

    Args:
        scores: of the members.
        sample_id_N: (N,) rising.
        id_N: (N,) name of each row, for a submission.
        fingerprint: of the split.
    """

    scores: BaseScores
    sample_id_N: np.ndarray
    id_N: list[str]
    fingerprint: dict


def score_members(
    members: Sequence[MemberConfig],
    source: DataConfig,
    *,
    cache: Path | None = None,
    batch_size: int | None = None,
    seed: int = 42,
    need_labels: bool = True,
    trust: bool = False,
) -> ScoredMembers:
    """Score a split with every member.

    Args:
        members: the base models; all must be there and fit the data.
        source: the split.
        cache: folder of scores, by checkpoint digest, data fingerprint and settings;
            None keeps none.
        batch_size: of scoring; None keeps that of the members' configs.
        seed: of dropout.
        need_labels: refuse rows without labels, where the data set can do without.
        trust: unpickle anything from checkpoints.

    Returns:
        The scores, rows in the order of their sample ids.

    Raises:
        ConfigError: a member does not fit the data, or scored other rows than the
            first; the message names it.
        ValueError: scores are NaN, or a checkpoint is damaged.
    """
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    options = {'batch_size': batch_size, 'seed': seed, 'trust': trust}
    columns, dataset = [], None
    for member in members:
        try:
            cfg = scoring_config(member, trust=trust)
            if member.swap:
                _check_swap(cfg)
            changes = {} if need_labels else without_labels(cfg)
            own = build_dataset(scored_settings(cfg, source) | changes)
            texts = [f'test_dataloader.dataset.{k}={v}' for k, v in changes.items()]
            arrays = _score_cached(member, source, own, cache, texts, options)
        # another input size shows in torch as a RuntimeError
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f'member {member.name!r} ({member.checkpoint}) cannot score {source}: '
                f'{error}'
            ) from error
        columns.append(arrays)
        dataset = own if dataset is None else dataset
    _check_rows(members, columns)
    first = columns[0]
    ids = first['sample_id']
    return ScoredMembers(
        scores=join_members(
            [_features(m, a) for m, a in zip(members, columns, strict=True)],
            first['label'],
            first['group'],
        ),
        sample_id_N=ids,
        id_N=[str(name) for name in dataset.image_paths(ids.tolist())],
        fingerprint=dataset.fingerprint(),
    )


def _score_cached(
    member: MemberConfig,
    source: DataConfig,
    dataset: Dataset,
    cache: Path | None,
    texts: Sequence[str],
    options: Mapping,
) -> dict[str, np.ndarray]:
    if cache is None:
        return _score(member, source, texts, **options)
    key = _cache_key(member, dataset, texts, options['seed'])
    file = cache / f'{member.name}-{key}.npz'
    if file.is_file():
        print(f'{member.name}: scores of {source} from {file}')
        with np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    arrays = _score(member, source, texts, **options)
    temporary = file.with_name(f'.{file.name}.tmp.npz')
    np.savez(temporary, **arrays)
    temporary.replace(file)
    return arrays


def _cache_key(member: MemberConfig, dataset: Dataset, texts, seed: int) -> str:
    parts = {
        'cache': CACHE_VERSION,
        'version': __version__,
        'checkpoint': file_sha256(member.checkpoint),
        'config': None if member.config is None else file_sha256(member.config),
        'options': [*member.cfg_options, *texts],
        'mc_dropout': member.mc_dropout and [member.mc_dropout, seed],
        'swap': member.swap,
        'data': dataset.fingerprint(),
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _score(
    member: MemberConfig, source: DataConfig, texts, *, batch_size, seed, trust
) -> dict[str, np.ndarray]:
    """Probabilities, labels and ids of one member, sorted by sample id."""

    def run(*more: str) -> ScoredSplit:
        return score_checkpoint(
            member.checkpoint,
            config=member.config,
            data=list(source.data) if isinstance(source.data, tuple) else source.data,
            split=source.split,
            cfg_options=(*member.cfg_options, *texts, *more),
            trust_checkpoint=trust,
            batch_size=batch_size,
        )

    scored = run('model.swap_tta=False') if member.swap else run()
    arrays = {
        'prob': scored.scores['prob_B'].astype(np.float64),
        'label': scored.scores['label_B'],
        'sample_id': scored.scores['sample_id_B'],
        'group': scored.scores['group_id_B'],
    }
    if member.swap:
        both_N = run('model.swap_tta=True').scores['prob_B'].astype(np.float64)
        # (p + swapped) / 2 is what swap_tta gives
        arrays['swapped'] = np.clip(2 * both_N - arrays['prob'], 0, 1)
    if member.mc_dropout:
        content = load_safely(member.checkpoint, trust=trust)
        passes = dropout_scores(
            scored.cfg,
            content.get('state_dict', content),
            scored.dataset,
            num_passes=member.mc_dropout,
            seed=seed,
        )
        arrays |= {'prob': passes['prob'], 'spread': passes['spread']}
    return arrays


def _check_swap(cfg: Config) -> None:
    name = cfg.model['type']
    if 'swap_tta' not in inspect.signature(MODELS.get(name)).parameters:
        raise ConfigError(f'swap=True: {name} has no swap_tta, it knows no two sides')


def _features(member: MemberConfig, arrays: Mapping[str, np.ndarray]) -> MemberScores:
    """What combiners see of a member."""
    name, prob_N = member.name, arrays['prob']
    if 'swapped' in arrays:
        features = {f'{name}:as it is': prob_N, f'{name}:swapped': arrays['swapped']}
        mean_N = (prob_N + arrays['swapped']) / 2
        return MemberScores(name, mean_N, features, tuple(features))
    if 'spread' in arrays:
        features = {name: prob_N, f'{name}:spread': arrays['spread']}
        return MemberScores(name, prob_N, features, (name,), arrays['spread'])
    return MemberScores(name, prob_N)


def _check_rows(members: Sequence[MemberConfig], columns: Sequence[Mapping]) -> None:
    """Refuse members that scored other rows than the first, or other labels."""
    first = columns[0]
    for member, arrays in zip(members[1:], columns[1:], strict=True):
        for key in ROW_KEYS:
            if not np.array_equal(first[key], arrays[key]):
                raise ConfigError(
                    f'member {member.name!r} scored {len(arrays[key]):,} rows, '
                    f'{members[0].name!r} {len(first[key]):,}, and their {key}s '
                    'differ: give every member the same data, split and bad_rows'
                )
