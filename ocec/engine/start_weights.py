"""The weights in a checkpoint of any known form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ocec.engine.model_settings import read_stored_model
from ocec.engine.original_checkpoint import convert_original, is_original

#: which weights of a run with EMA to start from
WEIGHTS = ('ema', 'raw')


@dataclass(frozen=True)
class StartWeights:
    """Weights that a checkpoint brings along.

    Args:
        state: names to tensors, with the names of our layers.
        kind: which weights they are, for the user.
        model: config of their model as far as the file tells it, or None.
        notes: lines for the user.
        parts: beginnings of names that tell which parts of a backbone the file holds;
            empty where it is a whole one.
    """

    state: dict[str, Tensor]
    kind: str
    model: dict | None = None
    notes: list[str] = field(default_factory=list)
    parts: tuple[str, ...] = ()


def read_weights(checkpoint: Mapping, file: str, weights: str = 'ema') -> StartWeights:
    """Take the weights out of a checkpoint of any known form.

    Ours (``state_dict``, with EMA the averaged ones, and ``ema_state_dict``, then the
    raw ones), the original trainer's (``model_state``), or names to tensors.

    Args:
        checkpoint: what ``load_safely`` returned.
        file: where it lies, for messages.
        weights: ``ema`` or ``raw``; without EMA there is only one kind.

    Returns:
        The weights.

    Raises:
        ValueError: ``weights`` is another word, or there are no weights in the file.
    """
    if weights not in WEIGHTS:
        raise ValueError(f'load_weights must be one of {WEIGHTS}, got {weights!r}')
    if not isinstance(checkpoint, Mapping):
        kind = type(checkpoint).__name__
        raise ValueError(f'{file} holds no weights: it is a {kind}')
    if is_original(checkpoint):
        state, model, notes = convert_original(checkpoint, file)
        return StartWeights(state, 'weights of the original trainer', model, notes)
    if 'state_dict' not in checkpoint:
        if not checkpoint or not all(
            isinstance(x, Tensor) for x in checkpoint.values()
        ):
            keys = list(checkpoint)
            raise ValueError(f'{file} holds no weights: its keys are {keys}')
        return StartWeights(_without_wrapper(checkpoint), 'bare weights')
    state, kind = dict(checkpoint['state_dict']), 'weights'
    if 'ema_state_dict' in checkpoint:
        kind = 'averaged (EMA) weights'
        if weights == 'raw':
            kind = 'raw weights'
            raw = checkpoint['ema_state_dict']
            state.update({n: raw[f'module.{n}'] for n in state if f'module.{n}' in raw})
    meta = checkpoint.get('meta')
    state, model = _without_wrapper(state), read_stored_model(meta)
    return StartWeights(state, kind, model, parts=_parts_of(meta))


def only_ours(checkpoint: Mapping, file: str) -> Mapping:
    """Return a checkpoint that a run can go on from, or say why not.

    Args:
        checkpoint: what ``load_safely`` returned.
        file: where it lies, for messages.

    Returns:
        The checkpoint, with its weights under ``state_dict``.

    Raises:
        ValueError: it is one of the original trainer, or holds no weights.
    """
    if isinstance(checkpoint, Mapping) and 'state_dict' in checkpoint:
        return checkpoint
    weights = read_weights(checkpoint, file)
    if is_original(checkpoint):
        raise ValueError(
            f'{file} is a checkpoint of the original OCEC trainer, from which a run '
            'can start (--pretrain, load_from) but not go on (--resume)'
        )
    return {'state_dict': weights.state}


def _without_wrapper(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix('module.'): x for name, x in state.items()}


def _parts_of(meta: object) -> tuple[str, ...]:
    parts = meta.get('parts') if isinstance(meta, Mapping) else None
    is_told = isinstance(parts, (list, tuple)) and all(
        isinstance(p, str) for p in parts
    )
    return tuple(parts) if is_told else ()
