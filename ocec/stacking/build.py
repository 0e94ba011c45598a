"""Combiners by the name they have in a config, and on disk without pickle."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path

from ocec.functional.json_text import read_json
from ocec.stacking.averages import (
    BestSingle,
    LogitMeanCombiner,
    MajorityVote,
    MeanCombiner,
    WeightedMeanCombiner,
)
from ocec.stacking.combiner import Combiner
from ocec.stacking.dynamic_weights import DynamicWeights
from ocec.stacking.gradient_boosting import LightGBMCombiner
from ocec.stacking.logistic import LogisticCombiner
from ocec.stacking.two_level import TwoLevelStacking

COMBINERS = {
    combiner.type: combiner
    for combiner in (
        LightGBMCombiner,
        LogisticCombiner,
        MeanCombiner,
        LogitMeanCombiner,
        WeightedMeanCombiner,
        BestSingle,
        MajorityVote,
        TwoLevelStacking,
        DynamicWeights,
    )
}
FILE_NAME = 'combiner.json'


def build_combiner(settings: str | Mapping[str, object], *, seed: int = 42) -> Combiner:
    """Make a combiner, not yet fitted.

    Args:
        settings: its type, or a dict with ``type`` and the arguments of its class.
        seed: for a combiner that takes one, where the settings have none.

    Returns:
        The combiner.

    Raises:
        ValueError: there is no such type, or it takes no such argument.

    Example:
        >>> build_combiner(dict(type='logistic', C=0.5)).C
        0.5
    """
    arguments = {'type': settings} if isinstance(settings, str) else dict(settings)
    name = arguments.pop('type', None)
    if name not in COMBINERS:
        raise ValueError(
            f'there is no combiner {name!r}{_hint(name, COMBINERS)}; there are '
            f'{", ".join(COMBINERS)}'
        )
    taken = inspect.signature(COMBINERS[name]).parameters
    for key in arguments:
        if key not in taken:
            raise ValueError(
                f'{name} takes no argument {key!r}{_hint(key, taken)}; it takes '
                f'{", ".join(taken) or "none"}'
            )
    if 'seed' in taken:
        arguments.setdefault('seed', seed)
    return COMBINERS[name](**arguments)


def save_combiner(combiner: Combiner, folder: str | Path) -> None:
    """Write what a combiner learned: JSON, and LightGBM's models as its own text.

    Args:
        combiner: fitted.
        folder: is made.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = dict(combiner.state())
    texts = state.pop('texts', {})
    for name, text in texts.items():
        (folder / name).write_text(text, encoding='utf-8')
    content = {'type': combiner.type, 'texts': list(texts), **state}
    text = json.dumps(content, indent=1) + '\n'
    (folder / FILE_NAME).write_text(text, encoding='utf-8')
    for name, part in combiner.parts().items():
        save_combiner(part, folder / name)


def load_combiner(
    folder: str | Path, settings: str | Mapping[str, object], *, seed: int = 42
) -> Combiner:
    """Read a combiner.

    Args:
        folder: of :func:`save_combiner`.
        settings: those it was built with.
        seed: the one it was built with.

    Returns:
        The combiner, ready to predict.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the folder holds another type, or a file is damaged.
    """
    combiner = build_combiner(settings, seed=seed)
    _load_into(combiner, Path(folder))
    return combiner


def _load_into(combiner: Combiner, folder: Path) -> None:
    file = folder / FILE_NAME
    if not file.is_file():
        raise FileNotFoundError(f'{file}: this part of the ensemble is missing')
    try:
        state = read_json(file, dict)
        if state.pop('type') != combiner.type:
            raise ValueError(f'it is no {combiner.type}')
        names = [Path(name).name for name in state.pop('texts')]
        state['texts'] = {n: (folder / n).read_text(encoding='utf-8') for n in names}
        combiner.load_state(state)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f'{file}: damaged: {error}') from error
    for name, part in combiner.parts().items():
        _load_into(part, folder / name)


def _hint(name: object, known) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f'; did you mean {close[0]}?' if close else ''
