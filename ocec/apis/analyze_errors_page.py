"""The page of an error analysis: everything it shows, as HTML without a network.

Shapes: N samples of the split, K of them on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.apis.analyze_errors_facts import (
    UNKNOWN,
    sample_columns,
    sample_images,
    sample_places,
)
from ocec.apis.analyze_errors_numbers import (
    DECISIONS,
    decisions,
    error_table,
    summarize,
)
from ocec.apis.analyze_errors_sprites import Sheet, Sprite, pack_sprites
from ocec.apis.diagnose import Diagnosis
from ocec.apis.html_page import inline_png, render_template
from ocec.apis.sample_facts import class_names_of, groups_of, paths_of
from ocec.functional.classification import ConfusionCounts
from ocec.functional.metric_interval import count_groups
from ocec.functional.neighbours import nearest_neighbours
from ocec.preparation.contact_sheet import encode_png
from ocec.visualization.sample_lists import SampleList

TEMPLATE, SCRIPT = 'analyze_errors_page.html.j2', 'analyze_errors_script.js.j2'
TITLES = {
    'errors': 'all errors',
    'confident_errors': 'confident errors',
    'probable_label_errors': 'probable label errors',
    'hard_samples': 'hard samples',
    'outliers': 'outliers',
    'all': 'all samples',
}
PLOTS = ('scores', 'thresholds', 'roc', 'pr', 'reliability', 'pca')
# digits of scores and losses on the page
DIGITS = 6


@dataclass(frozen=True)
class Analysis:
    """What the page is made of.

    Args:
        name: of the checkpoint.
        facts: lines on what was analysed.
        warnings: lines that the reader must not miss.
        scores: fields of :class:`ocec.structures.BatchScores`, all finite.
        dataset: what the scores are of.
        diagnosis: numbers and plots.
        lists: samples to show, by name.
        limit: how many samples a list may hold.
        num_neighbours: neighbours of each listed sample.
        allow_outside: also read pictures outside the folder of their parquet file.
    """

    name: str
    facts: Sequence[str]
    warnings: Sequence[str]
    scores: dict[str, np.ndarray]
    dataset: object
    diagnosis: Diagnosis
    lists: dict[str, SampleList]
    limit: int
    num_neighbours: int
    allow_outside: bool = False


def render_page(analysis: Analysis) -> str:
    """Fill in the page.

    Args:
        analysis: what it shows.

    Returns:
        The HTML text.

    Raises:
        ConfigError: the dataset shows no pictures.
        ImportError: jinja2 is not installed.
    """
    scores, dataset = analysis.scores, analysis.dataset
    classes, numbers = class_names_of(dataset), analysis.diagnosis.numbers
    codes = {
        'group': _encode(
            [x or UNKNOWN for x in groups_of(dataset, scores['group_id_B'])]
        ),
        **{
            name: _encode(texts)
            for name, texts in sample_columns(dataset, scores['sample_id_B']).items()
        },
    }
    decision_N = decisions(
        scores['prob_B'], scores['label_B'], threshold=numbers['threshold']
    )
    shown = _Shown(analysis, codes, decision_N)
    columns = [
        {'name': name, 'values': names}
        for name, (names, _) in codes.items()
        if name != 'group'
    ]
    plots = {k: v for k, v in analysis.diagnosis.images.items() if k in PLOTS}
    return render_template(
        TEMPLATE,
        checkpoint=analysis.name,
        facts=analysis.facts,
        warnings=analysis.warnings,
        metrics=summarize(scores, numbers, class_names=classes),
        interval_note=_interval_note(scores['group_id_B']),
        counts=ConfusionCounts(*(numbers[k] for k in ConfusionCounts._fields)),
        classes=classes,
        decisions=DECISIONS,
        plots={k: inline_png(encode_png(v)) for k, v in plots.items()},
        num_samples=len(decision_N),
        tables=_tables(codes, scores['label_B'], decision_N),
        lists=[
            {
                'title': TITLES[name],
                'num_found': samples.num_found,
                'num_listed': len(samples.index_K),
                'method': samples.method,
            }
            for name, samples in analysis.lists.items()
        ],
        limit_note=_limit_note(analysis, shown),
        groups=codes['group'][0],
        columns=columns,
        sheets=shown.sheets,
        data={
            'classes': classes,
            'decisions': DECISIONS,
            'groups': codes['group'][0],
            'columns': columns,
            'files': shown.files,
            'lists': [{'title': TITLES[name]} for name in analysis.lists],
            'sheets': [(sheet.width, sheet.height) for sheet in shown.sheets],
            'num_listed': shown.num_listed,
            'csv_name': f'relabel_{getattr(dataset, "split", "samples")}.csv',
            'samples': shown.samples(),
        },
        script=render_template(SCRIPT),
    )


class _Shown:
    """The samples on the page: the listed ones, then neighbours that no list has.

    Args:
        analysis: what the page is made of.
        codes: name of a column -> its values and the (N,) place of each sample's.
        decision_N: (N,) indices into ``DECISIONS``.
    """

    def __init__(
        self,
        analysis: Analysis,
        codes: dict[str, tuple[list[str], np.ndarray]],
        decision_N: np.ndarray,
    ) -> None:
        self.analysis, self.codes, self.decision_N = analysis, codes, decision_N
        listed = [samples.index_K for samples in analysis.lists.values()]
        listed = np.unique(np.concatenate(listed)).astype(np.int64)
        self.num_listed = len(listed)
        self.neighbours = _find_neighbours(analysis, listed)
        near = [index for found in self.neighbours for index, _ in found]
        rest = np.setdiff1d(np.array(near, np.int64), listed)
        self.index_K = np.concatenate([listed, rest])
        self.neighbours += [[] for _ in rest]
        ids_K = analysis.scores['sample_id_B'][self.index_K]
        self.paths = paths_of(analysis.dataset, ids_K.tolist())
        places = sample_places(analysis.dataset, ids_K)
        self.files = sorted({file for file, _ in places if file})
        self.rows = [row for _, row in places]
        self.file_K = [self.files.index(file) if file else -1 for file, _ in places]
        images = sample_images(
            analysis.dataset, ids_K, allow_outside=analysis.allow_outside
        )
        self.sheets: list[Sheet]
        self.sprites: list[Sprite]
        self.sheets, self.sprites = pack_sprites(images)

    def samples(self) -> list[dict]:
        """Return what the script needs of each sample."""
        place_of = {index: place for place, index in enumerate(self.index_K.tolist())}
        ranks: list[dict[int, int]] = [{} for _ in place_of]
        for number, samples in enumerate(self.analysis.lists.values()):
            for rank, index in enumerate(samples.index_K.tolist()):
                ranks[place_of[index]][number] = rank
        columns = [code_N for name, (_, code_N) in self.codes.items()]
        return [
            {
                **self._scores_of(index),
                'path': self.paths[place],
                'file': self.file_K[place],
                'row': self.rows[place],
                'group': int(columns[0][index]),
                'columns': [int(code_N[index]) for code_N in columns[1:]],
                'lists': ranks[place],
                'sprite': _sprite_list(self.sprites[place]),
                'neighbours': [
                    (place_of[i], round(cosine, 4))
                    for i, cosine in self.neighbours[place]
                ],
            }
            for index, place in place_of.items()
        ]

    def _scores_of(self, index: int) -> dict:
        scores = self.analysis.scores
        return {
            'id': int(scores['sample_id_B'][index]),
            'prob': round(float(scores['prob_B'][index]), DIGITS),
            'loss': round(float(scores['loss_B'][index]), DIGITS),
            'label': int(scores['label_B'][index]),
            'decision': int(self.decision_N[index]),
        }


def _find_neighbours(analysis: Analysis, listed: np.ndarray) -> list[list]:
    """(index, cosine) of the neighbours of each listed sample."""
    if 'embedding_BD' not in analysis.scores or not analysis.num_neighbours:
        return [[] for _ in listed]
    index_KM, cosine_KM = nearest_neighbours(
        analysis.scores['embedding_BD'], listed, num=analysis.num_neighbours
    )
    return [
        list(zip(index_M, cosine_M, strict=True))
        for index_M, cosine_M in zip(index_KM.tolist(), cosine_KM.tolist(), strict=True)
    ]


def _sprite_list(sprite: Sprite) -> list[int]:
    place = [sprite.sheet, sprite.x, sprite.y, sprite.width, sprite.height]
    return [*place, sprite.native_width, sprite.native_height]


def _encode(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    names, code_N = np.unique(np.asarray(texts, str), return_inverse=True)
    return names.tolist(), code_N


def _tables(codes: dict, label_N: np.ndarray, decision_N: np.ndarray) -> list[dict]:
    tables = []
    for number, (name, (names, code_N)) in enumerate(codes.items()):
        code_of = {value: code for code, value in enumerate(names)}
        rows = error_table(np.asarray(names)[code_N], label_N, decision_N)
        tables.append(
            {
                'name': name,
                'column': 'group' if name == 'group' else number - 1,
                'rows': [{'code': code_of[row.value], 'errors': row} for row in rows],
            }
        )
    return tables


def _interval_note(group_id_N: np.ndarray) -> str:
    num_groups, num_unknown = count_groups(group_id_N), int((group_id_N < 0).sum())
    if num_unknown == len(group_id_N):
        return (
            'Bootstrap over single samples: no group is known. Where many samples '
            'show one person, the true intervals are wider.'
        )
    alone = f' ({num_unknown:,} samples without a group alone)' if num_unknown else ''
    few = ' So few groups make intervals too narrow.' if num_groups < 20 else ''
    return f'Bootstrap over {num_groups:,} groups, drawn whole{alone}.{few}'


def _limit_note(analysis: Analysis, shown: _Shown) -> str:
    num_near = len(shown.index_K) - shown.num_listed
    return (
        f'{shown.num_listed:,} of {len(shown.decision_N):,} samples are listed here, '
        f'at most {analysis.limit:,} in each list (--limit), of the confident errors '
        f'that many of each kind; {num_near:,} more are shown as neighbours only.'
    )
