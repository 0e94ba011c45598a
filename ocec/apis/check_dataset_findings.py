"""Everything that is wrong with a data set: leaks, and what else one should know.

Shapes: N rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from ocec.apis.check_dataset_leaks import (
    LEAK,
    LISTED_SETS,
    MAX_NEAR_SHARE,
    WARNING,
    Finding,
    find_leaks,
    one_of_each_part,
)
from ocec.apis.check_dataset_numbers import predict_from_cues
from ocec.apis.check_dataset_scan import ScannedPictures
from ocec.datasets.eye_table import NO_GROUP, SPLITS, EyeTable
from ocec.functional.leak_check import codes_in_several_parts, codes_of_digests
from ocec.preparation.check_pictures import CONSTANT_BELOW
from ocec.preparation.near_duplicates import NearDuplicates

# a cue that predicts the label so well competes with the eye
MAX_CUE_AUC = 0.7
# open shares of two splits that differ by more do not measure one thing
MAX_SHARE_GAP = 0.1
MIN_CLASS_SHARE = 0.1


def find_problems(
    table: EyeTable,
    scanned: ScannedPictures,
    near: NearDuplicates,
    *,
    max_near_share: float = MAX_NEAR_SHARE,
) -> list[Finding]:
    """Look for everything that is wrong, leaks first.

    Args:
        table: the rows.
        scanned: their pictures.
        near: near duplicates between splits.
        max_near_share: share of val or test that may have one, in [0, 1].

    Returns:
        The findings.
    """
    facts_N = scanned.facts_N
    readable_N = facts_N['height'] > 0
    plain_N = readable_N & (facts_N['contrast'] < CONSTANT_BELOW)
    # constant pictures are equal without being one picture; they are told apart
    picture_N = codes_of_digests(facts_N['digest'], readable_N & ~plain_N)
    found = [
        *find_leaks(table, picture_N, near, max_near_share=max_near_share),
        *_contradictions(table, picture_N),
        *_bad_rows(table, scanned),
        *_constant(plain_N),
        *_cues(table, facts_N),
        *_missing_groups(table),
        *_class_shares(table),
        *_one_class_groups(table),
        *_repeated_paths(table),
    ]
    return sorted(found, key=lambda finding: finding.level != LEAK)


def _contradictions(table: EyeTable, picture_N: np.ndarray) -> Iterator[Finding]:
    both = codes_in_several_parts(picture_N, table.label_N)
    if len(both):
        rows = np.isin(picture_N, both).sum()
        yield Finding(
            'contradictory_labels',
            WARNING,
            f'{len(both):,} pictures are labelled open and closed ({rows:,} rows)',
            'One of the labels is wrong; no model can learn both.',
            sets=one_of_each_part(picture_N, table.label_N, both),
        )


def _bad_rows(table: EyeTable, scanned: ScannedPictures) -> Iterator[Finding]:
    texts = {
        'unusable_labels': ('labels that nobody can use', table.bad_rows),
        'unknown_splits': ('no known split', table.bad_split_rows),
        'unreadable_pictures': ('pictures that cannot be read', scanned.bad_rows),
    }
    for kind, (text, bad_rows) in texts.items():
        if bad_rows:
            reasons = Counter(reason_of(bad.problem) for _, bad in bad_rows)
            yield Finding(
                kind,
                WARNING,
                f'{len(bad_rows):,} rows have {text}',
                "A dataset stops at such rows, or with bad_rows='skip' leaves them "
                'out and says how many.',
                sets=tuple((row,) for row, _ in bad_rows[:LISTED_SETS]),
                reasons=tuple(reasons.most_common()),
                lines=tuple(str(bad) for _, bad in bad_rows[:LISTED_SETS]),
            )


def reason_of(problem: str) -> str:
    """Return a problem without what is particular to its row.

    Args:
        problem: text of a ``BadRow``.

    Returns:
        The same text for all rows with one reason.

    Example:
        >>> reason_of('/data/eyes/17.png: No such file or directory')
        'No such file or directory'
    """
    problem = re.sub(r'begins with b.*', 'begins with ...', problem, flags=re.DOTALL)
    problem = re.sub(r'after [\d,]+ bytes', 'after ... bytes', problem)
    if match := re.fullmatch(r'.*?: (lies outside .*|[A-Z][^:]*)', problem, re.DOTALL):
        return match[1]
    problem = re.sub(r'; known: .*', '', problem)
    problem = re.sub(r"'.*'", '...', problem, flags=re.DOTALL)
    return re.sub(r'(got|has|class_id) -?[\d.]+(e\S+|x\d+)?', r'\1 ...', problem)


def _constant(plain_N: np.ndarray) -> Iterator[Finding]:
    if plain_N.any():
        yield Finding(
            'constant_pictures',
            WARNING,
            f'{plain_N.sum():,} pictures show nothing: their grey levels vary by less '
            f'than {CONSTANT_BELOW:g}',
            'Black frames and failed crops teach a model to guess. They are not '
            'counted as duplicates.',
            sets=tuple((int(row),) for row in np.flatnonzero(plain_N)[:LISTED_SETS]),
        )


def _cues(table: EyeTable, facts_N: np.ndarray) -> Iterator[Finding]:
    strong = [
        cue
        for cue in predict_from_cues(table, facts_N)
        # an iris has contrast and a lid has none: that one does look at the eye
        if cue['auc'] > MAX_CUE_AUC and cue['cue'] != 'contrast'
    ]
    if strong:
        listed = ', '.join(
            f'{cue["cue"]} (AUC {cue["auc"]:.3f}, larger when {cue["larger"]})'
            for cue in strong
        )
        yield Finding(
            'label_follows_a_cue',
            WARNING,
            f'the label can be told without looking at the eye, by {listed}',
            'A filter or a camera treats the classes differently, or a closed eye is '
            'simply cropped flatter. A model may learn that and fail elsewhere.',
        )


def _missing_groups(table: EyeTable) -> Iterator[Finding]:
    missing = int((table.group_N == NO_GROUP).sum())
    if missing:
        yield Finding(
            'missing_groups',
            WARNING,
            f'{missing:,} of {len(table):,} rows have no known group: a leak cannot be '
            'excluded',
            'Without subjects or recordings only copies and look-alikes can be found; '
            'one face may still be on both sides. Name the groups when converting.',
        )


def _class_shares(table: EyeTable) -> Iterator[Finding]:
    shares = {}
    for code, name in enumerate(SPLITS):
        label = table.label_N[(table.split_N == code) & (table.label_N >= 0)]
        if len(label):
            shares[name] = float(label.mean())
    if not shares:
        return
    listed = ', '.join(f'{name} {share:.1%}' for name, share in shares.items())
    if max(shares.values()) - min(shares.values()) > MAX_SHARE_GAP:
        yield Finding(
            'class_shares_differ',
            WARNING,
            f'the share of open eyes differs between the splits: {listed}',
            'F1 and a threshold chosen on one split do not carry over to another.',
        )
    if any(min(share, 1 - share) < MIN_CLASS_SHARE for share in shares.values()):
        yield Finding(
            'rare_class',
            WARNING,
            f'one class is rare (share of open eyes: {listed})',
            'A model that always says the other one looks good by accuracy.',
        )


def _one_class_groups(table: EyeTable) -> Iterator[Finding]:
    both = codes_in_several_parts(table.group_N, table.label_N)
    total = len(np.unique(table.group_N[table.group_N != NO_GROUP]))
    single = total - len(both)
    if total and single > total / 2:
        yield Finding(
            'groups_of_one_class',
            WARNING,
            f'{single:,} of {total:,} groups hold one class only',
            'Person and background then tell the label. Record both states of each '
            'subject.',
        )


def _repeated_paths(table: EyeTable) -> Iterator[Finding]:
    # hashes of 64 bits in place of the texts: 8 bytes per row
    texts = (
        text
        for paths in table.stream_image_paths()
        for text in paths.drop_null().to_pylist()
    )
    hash_M = np.fromiter(map(hash, texts), np.int64)
    _, counts = np.unique(hash_M, return_counts=True)
    if repeated := int((counts > 1).sum()):
        yield Finding(
            'repeated_paths',
            WARNING,
            f'{repeated:,} values of image_path stand in more than one row',
            'A report names pictures by it. Copies are counted separately, by pixels.',
        )
