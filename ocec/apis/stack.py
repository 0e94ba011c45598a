"""Stack trained models: one score from the scores of all, judged honestly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import (
    DataConfig,
    MemberConfig,
    StackConfig,
    read_stack_config,
)
from ocec.apis.stack_data import (
    build_dataset,
    scored_settings,
    scoring_config,
    without_labels,
)
from ocec.apis.stack_ensemble import Ensemble, Prediction
from ocec.apis.stack_evaluate import Evaluation, evaluate
from ocec.apis.stack_members import ScoredMembers, score_members
from ocec.apis.stack_overlap import refuse_overlaps
from ocec.apis.stack_plot import draw_importance
from ocec.apis.stack_report import as_csv, as_json, as_markdown
from ocec.apis.stack_submission import check_submission, write_submission
from ocec.engine.checkpoint_io import file_sha256, write_text_atomically
from ocec.stacking.base_scores import NO_GROUP

ENSEMBLE_FOLDER, SCORES_FOLDER = 'ensemble', 'scores'


@dataclass(frozen=True)
class StackResult:
    """What a stacking left.

    Args:
        out: folder with ``stack.json``, ``stack.md``, ``stack.csv``,
            ``importance.png``, ``scores/`` and ``ensemble/``.
        evaluation: the numbers.
        final: name of the combiner that the ensemble predicts with.
    """

    out: Path
    evaluation: Evaluation
    final: str


def stack(
    config: str | Path,
    *,
    out: str | Path | None = None,
    allow_unverified: bool = False,
    trust_checkpoint: bool = False,
) -> StackResult:
    """Score the members, cross-validate and fit the combiners, write it all down.

    Args:
        config: see :func:`ocec.apis.stack_config.read_stack_config`.
        out: folder in place of that of the config.
        allow_unverified: go on where nothing tells what a member was trained on; the
            report says so.
        trust_checkpoint: unpickle anything from checkpoints.

    Returns:
        Where it lies and what came out.

    Raises:
        ConfigError: the config is wrong, a member is missing or does not fit, or one
            has seen rows of stack or test.
        ImportError: lightgbm or scikit-learn is not installed.
    """
    allow = ('unverified',) if allow_unverified else ()
    settings = read_stack_config(config, out=out, allow=allow)
    digests = _digests(settings.members)
    let_through = _refuse_overlaps(settings, trust_checkpoint)
    scored = {
        role: score_members(
            settings.members,
            source,
            cache=settings.out / SCORES_FOLDER,
            batch_size=settings.batch_size,
            seed=settings.seed,
            trust=trust_checkpoint,
        )
        for role, source in (('stack', settings.stack), ('test', settings.test))
        if source is not None
    }
    evaluation = evaluate(
        scored['stack'].scores,
        scored['test'].scores if 'test' in scored else None,
        settings.meta,
        folds=settings.folds,
        seed=settings.seed,
    )
    final = settings.final or _choose(evaluation)
    data = {
        role: _describe(part, getattr(settings, role)) for role, part in scored.items()
    }
    facts = {'final': final, 'data': data, 'let_through': let_through}
    markdown = as_markdown(settings, evaluation, **facts)
    content = as_json(settings, evaluation, digests=digests, **facts)
    _write(settings.out, 'stack.json', json.dumps(content, indent=1) + '\n')
    _write(settings.out, 'stack.md', markdown)
    _write(settings.out, 'stack.csv', as_csv(evaluation))
    importance = {n: c.importance() for n, c in evaluation.combiners.items()}
    if importance := {name: shares for name, shares in importance.items() if shares}:
        (settings.out / 'importance.png').write_bytes(draw_importance(importance))
    Ensemble(
        settings.members,
        digests,
        evaluation.combiners,
        settings.meta,
        final,
        settings.seed,
    ).save(settings.out / ENSEMBLE_FOLDER, copy_checkpoints=settings.copy_checkpoints)
    print(markdown)
    print(f'written: {settings.out}')
    return StackResult(settings.out, evaluation, final)


def predict_ensemble(
    ensemble: str | Path,
    data: str,
    *,
    out: str | Path,
    split: str | None = None,
    combiner: str | None = None,
    trust_checkpoint: bool = False,
) -> Prediction:
    """Predict with a saved ensemble and write its decisions.

    Args:
        ensemble: folder of a saved ensemble.
        data: file, folder or pattern.
        out: CSV to write, ``id,label``.
        split: as ``test``; None takes that of the members' test loader.
        combiner: name; None takes the one that the ensemble was saved with.
        trust_checkpoint: unpickle anything from checkpoints.

    Returns:
        The prediction.

    Raises:
        ConfigError: the folder holds no ensemble, or a member cannot score the data.
    """
    prediction = Ensemble.load(ensemble).predict(
        data, split=split, combiner=combiner, trust=trust_checkpoint
    )
    write_submission(prediction.id_N, prediction.label_N.tolist(), out)
    print(f'written: {out}, {len(prediction.id_N):,} rows')
    known_N = prediction.truth_N >= 0
    if known_N.all():
        right = (prediction.label_N == prediction.truth_N).mean()
        print(f'accuracy on the labels of these data: {100 * right:.2f} %')
    return prediction


def check_predictions(
    submission: str | Path,
    ensemble: str | Path,
    data: str,
    *,
    split: str | None = None,
    trust_checkpoint: bool = False,
) -> None:
    """Check a file of decisions against the data that it is for.

    Args:
        submission: the CSV.
        ensemble: folder of the ensemble, whose first member tells how data are read.
        data: file, folder or pattern.
        split: as ``test``; None takes that of the member's test loader.
        trust_checkpoint: unpickle anything from checkpoints.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the file does not fit; the message says where.
    """
    member = Ensemble.load(ensemble).members[0]
    cfg = scoring_config(member, trust=trust_checkpoint)
    changes = without_labels(cfg)
    wanted = scored_settings(cfg, DataConfig(data, split))
    dataset = build_dataset(wanted | changes)
    ids = dataset.image_paths(_sample_ids(dataset))
    check_submission(submission, ids)
    print(f'{submission}: right, {len(ids):,} rows')


def _refuse_overlaps(settings: StackConfig, trust: bool) -> list[str]:
    let_through = refuse_overlaps(
        settings.members,
        settings.stack,
        settings.test,
        allow=settings.allow,
        trust=trust,
    )
    for text in let_through:
        print(f'warning: {text}')
    return let_through


def _digests(members: Sequence[MemberConfig]) -> dict[str, str]:
    """SHA-256 of each checkpoint; the same weights may come in only once."""
    digests: dict[str, str] = {}
    settings_of: dict[tuple, str] = {}
    for member in members:
        digests[member.name] = file_sha256(member.checkpoint)
        way = (member.mc_dropout, member.swap, member.cfg_options)
        other = settings_of.setdefault((digests[member.name], *way), member.name)
        if other != member.name:
            raise ConfigError(
                f'members {other!r} and {member.name!r} are one checkpoint under two '
                f'names: {member.checkpoint}'
            )
    return digests


def _choose(evaluation: Evaluation) -> str:
    """Name of the combiner with the highest out-of-fold accuracy, then log loss."""
    numbers = evaluation.methods
    return min(
        numbers, key=lambda n: (-numbers[n].stack.accuracy, numbers[n].stack.log_loss)
    )


def _describe(part: ScoredMembers, source: DataConfig) -> dict:
    group_N = part.scores.group_N
    known = np.unique(group_N[group_N != NO_GROUP])
    return {
        'rows': len(part.scores),
        'groups': f'{len(known):,} groups' if len(known) else 'no groups known',
        'num_groups': len(known),
        'source': str(source),
        'label_1': int((part.scores.label_N == 1).sum()),
        'fingerprint': part.fingerprint,
    }


def _sample_ids(dataset) -> list[int]:
    rows = getattr(dataset, 'rows', None)
    return list(range(len(dataset))) if rows is None else np.asarray(rows).tolist()


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(text, folder / name)
