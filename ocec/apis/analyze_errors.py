"""Look at the errors of a checkpoint on any data, in a browser."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ocec.apis.analyze_errors_page import Analysis, render_page
from ocec.apis.diagnose import diagnose
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.apis.threshold_report import metric_threshold
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.probability import CLOSED, OPEN
from ocec.visualization.sample_lists import SampleList

LISTS = ('confident_errors', 'probable_label_errors', 'hard_samples', 'outliers')
# names of thresholds that a checkpoint may hold
STORED_THRESHOLDS = ('best_f1', 'precision', 'false_alarm')


def analyze_errors(
    checkpoint: str | Path,
    *,
    config: str | Path | None = None,
    data: str | Path | Sequence[str] | None = None,
    split: str | None = None,
    out: str | Path | None = None,
    threshold: float | str | None = None,
    limit: int = 500,
    neighbours: int = 6,
    all_samples: bool = False,
    held_out: bool = False,
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
    batch_size: int | None = None,
) -> Path:
    """Score a split and write a page that shows where the model goes wrong.

    The page needs no other file: summary with intervals, tables of errors by group
    and by further columns, and lists of samples to filter, enlarge, compare with
    their neighbours, select, and export for relabelling.

    Args:
        checkpoint: weights; of a run with EMA, the averaged ones.
        config: the config file; by default the config that the checkpoint holds.
        data: file, folder or pattern in place of the data of the config.
        split: ``train``, ``val`` or ``test`` in place of that of the test loader.
        out: the HTML file; by default beside the checkpoint.
        threshold: P(open) from which a sample counts as open, in [0, 1], or
            ``best_f1``, ``precision`` or ``false_alarm``: one that was chosen on val
            and is stored in the checkpoint. By default that of the metric.
        limit: samples of each list, >= 1.
        neighbours: of each listed sample, >= 0.
        all_samples: also list every sample, up to the limit, highest loss first.
        held_out: the model was not trained on these samples although their split is
            ``train``, so that label errors can be looked for.
        cfg_options: ``KEY=VALUE`` texts.
        trust_checkpoint: unpickle anything when loading.
        batch_size: images in a batch, in place of that of the config.

    Returns:
        The page.

    Raises:
        ConfigError: something is wrong with the config or the arguments.
        ImportError: jinja2 or matplotlib is not installed.
        ValueError: the checkpoint or the data are damaged.
    """
    if limit < 1:
        raise ConfigError(f'limit must be >= 1, got {limit}')
    if neighbours < 0:
        raise ConfigError(f'neighbours must be >= 0, got {neighbours}')
    scored = score_checkpoint(
        checkpoint,
        config=config,
        data=data,
        split=split,
        cfg_options=cfg_options,
        trust_checkpoint=trust_checkpoint,
        batch_size=batch_size,
    )
    threshold, origin = choose_threshold(threshold, scored)
    scores, warnings = _usable(scored.scores)
    split = getattr(scored.dataset, 'split', 'samples')
    is_held_out = held_out or split != 'train'
    if not is_held_out:
        warnings.append(
            'The model may have been trained on these samples: it then knows their '
            'labels by heart, so no label errors are looked for and every number is '
            'too good. If it was not, add --held-out.'
        )
    elif split == 'val':
        warnings.append(
            'If the checkpoint was chosen on this split, as the best epoch is, every '
            'number is a little too good.'
        )
    with tempfile.TemporaryDirectory(prefix='ocec-errors-') as folder:
        diagnosis = diagnose(
            scores,
            scored.dataset,
            Path(folder) / 'diagnosis',
            threshold=threshold,
            list_limit=limit,
            is_held_out=is_held_out,
        )
    loader = scored.cfg.test_dataloader
    page = render_page(
        Analysis(
            name=f'{Path(checkpoint).parent.name}/{Path(checkpoint).name}',
            facts=[
                f'Checkpoint: {checkpoint}',
                str(scored.dataset),
                f'Threshold {threshold:.6g}: {origin}',
            ],
            warnings=warnings,
            scores=scores,
            dataset=scored.dataset,
            diagnosis=diagnosis,
            lists=_all_lists(diagnosis.lists, scores, threshold, limit, all_samples),
            limit=limit,
            num_neighbours=neighbours,
            allow_outside=loader.dataset.get('allow_outside', False),
        )
    )
    default = Path(checkpoint).with_name(f'{Path(checkpoint).stem}_errors_{split}.html')
    out = default if out is None else Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(page, out)
    print(f'{out}: {out.stat().st_size / 1e6:.1f} MB; open it in a browser')
    return out


def choose_threshold(
    wanted: float | str | None, scored: ScoredSplit
) -> tuple[float, str]:
    """Say from which score on a sample counts as open.

    Args:
        wanted: a number in [0, 1], also as a text; a name of ``STORED_THRESHOLDS``; or
            None for that of the metric.
        scored: what the checkpoint says and holds.

    Returns:
        The threshold, and in words where it is from.

    Raises:
        ConfigError: it is out of range, or the checkpoint holds none of that name.
    """
    if wanted is None:
        value = metric_threshold(scored.cfg.test_evaluator)
        return value, 'that of the metric of the config'
    if wanted in STORED_THRESHOLDS:
        value = (scored.thresholds or {}).get(wanted)
        if value is None:
            raise ConfigError(f'the checkpoint holds no threshold {wanted}')
        where = scored.thresholds.get('split', 'val')
        return float(value), f'{wanted}, chosen on {where} and stored in the checkpoint'
    try:
        value = float(wanted)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        names = ', '.join(STORED_THRESHOLDS)
        raise ConfigError(f'threshold must be in [0, 1] or one of {names}: {wanted}')
    return value, 'as asked for'


def _usable(scores: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Leave out samples without a label or a finite score; warn of it.

    ``diagnose`` would leave out the same: the places of its lists count what is left.
    """
    fine_N = np.isfinite(scores['prob_B']) & np.isfinite(scores['loss_B'])
    is_labelled_N = np.isin(scores['label_B'], (CLOSED, OPEN))
    if 'embedding_BD' in scores:
        fine_N &= np.isfinite(scores['embedding_BD']).all(axis=1)
    if not fine_N.any():
        raise ValueError('no sample has a finite score: the weights are broken')
    if not is_labelled_N.any():
        raise ValueError('no sample has a label: there are no errors to look at')
    fine_N &= is_labelled_N
    if fine_N.all():
        return scores, []
    warning = (
        f'{(~fine_N).sum():,} of {len(fine_N):,} samples have no label or no finite '
        'score and are left out of everything here.'
    )
    return {field: values[fine_N] for field, values in scores.items()}, [warning]


def _all_lists(
    found: dict[str, SampleList], scores, threshold: float, limit: int, all_samples
) -> dict[str, SampleList]:
    """Put the lists into the order of the page, all errors first."""
    loss_N = scores['loss_B']
    is_error_N = (scores['prob_B'] >= threshold) != (scores['label_B'] == OPEN)
    lists = {
        'errors': _by_loss(
            'errors',
            f'on the wrong side of the threshold {threshold:.3g}; highest loss first',
            np.flatnonzero(is_error_N),
            loss_N,
            limit,
        )
    }
    lists |= {name: found[name] for name in LISTS if name in found}
    if all_samples:
        everyone = np.arange(len(loss_N))
        method = 'every sample; highest loss first'
        lists['all'] = _by_loss('all', method, everyone, loss_N, limit)
    return lists


def _by_loss(name: str, method: str, index_K, loss_N, limit: int) -> SampleList:
    order = np.argsort(-loss_N[index_K], kind='stable')[:limit]
    return SampleList(
        name,
        method,
        index_K[order],
        loss_N[index_K[order]].astype(np.float64),
        'loss',
        len(index_K),
    )
