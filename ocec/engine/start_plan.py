"""Which weights of a checkpoint a model takes over, and what is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ocec.engine.key_report import KeyReport, compare_keys, module_of
from ocec.engine.model_settings import (
    differing_settings,
    head_type,
    margin_type,
    settings_from_shapes,
)
from ocec.engine.start_weights import StartWeights

LAST_LAYERS = ('head.fc.', 'head.margin.')
# set by the data of the run and by the config, no part of the architecture
FREE_PARTS = ('head.loss_module.', 'data_preprocessor.')
# of checkpoints of bare backbones and of backbones of other toolboxes
_PREFIXES = ('', 'backbone.', 'backbone.backbone.')
_MAX_SHOWN = 3


class OtherModelError(ValueError):
    """The weights are those of a model that the config does not describe."""


@dataclass(frozen=True)
class Start:
    """What a model starts from.

    Args:
        state: every weight of the model: those of the checkpoint, and its own where
            it starts anew.
        report: what became of each.
        kind: which weights of the checkpoint they are.
        anew: why parts of the model start anew, one line each.
        notes: further lines that the user should see.
    """

    state: dict[str, Tensor]
    report: KeyReport
    kind: str
    anew: list[str]
    notes: list[str]


def plan_start(
    weights: StartWeights,
    model: nn.Module,
    *,
    model_cfg: Mapping | None,
    file: str,
    may_start_anew: bool,
) -> Start:
    """Decide which weights a model takes over.

    The backbone must fit wholly; where the checkpoint says that it holds parts of one,
    as streams put together, these parts. Layers of another head, or the last layer of
    another margin, start anew, and what lies between the parts; in a test nothing may.

    Args:
        weights: of the checkpoint.
        model: as it was built; left untouched.
        model_cfg: its config, or None.
        file: where the checkpoint lies, for messages.
        may_start_anew: whether parts of the model may.

    Returns:
        The state to load, and what to tell.

    Raises:
        OtherModelError: the checkpoint is one of another architecture, or in a test
            of another head.
    """
    own = dict(model.state_dict())
    between = _between_parts(own, weights)
    told = {name: x for name, x in own.items() if name not in between}
    given = _with_fitting_names(weights.state, told)
    if problems := _body_problems(told, given):
        settings = _differences(weights, given, model_cfg, own)
        raise OtherModelError(_refusal(file, settings or problems))
    left_out, anew, notes = _head_anew(own, given, weights.model, model)
    if between:
        modules = ', '.join(dict.fromkeys(map(module_of, between)))
        anew = [f'between the parts of the checkpoint: {modules}', *anew]
    report = compare_keys(own, given, left_out)
    if anew and not may_start_anew:
        raise OtherModelError(_refusal(file, anew))
    taken = {name: given[name] for name in report.names('loaded')}
    # complete, so that averaged copies start with the very values of the model
    state = {name: taken.get(name, value.detach().cpu()) for name, value in own.items()}
    notes = [*weights.notes, *notes, *_data_notes(weights, given, own, model_cfg)]
    return Start(state, report, weights.kind, anew, notes)


def _with_fitting_names(
    given: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Put the names of a bare backbone below ``backbone``, where only that fits."""
    for prefix in _PREFIXES:
        named = {
            name
            if name.startswith(('head.', 'data_preprocessor.'))
            else prefix + name: x
            for name, x in given.items()
        }
        if not _body_problems(own, named):
            return named
    return dict(given)


def _between_parts(own: Mapping[str, Tensor], weights: StartWeights) -> list[str]:
    """Return what a model has beside the parts that a checkpoint holds."""
    if not weights.parts:
        return []
    return [
        name
        for name in own
        if _is_body(name)
        and name not in weights.state
        and not name.startswith(weights.parts)
    ]


def _is_body(name: str) -> bool:
    return not name.startswith(('head.', *FREE_PARTS))


def _body_problems(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Say how the weights outside the head fail to fit; none if all of them do."""
    report = compare_keys(
        {name: x for name, x in own.items() if _is_body(name)},
        {name: x for name, x in given.items() if _is_body(name)},
    )
    problems = [
        f'{name}: checkpoint: {tuple(given[name].shape)}, config: '
        f'{tuple(own[name].shape)}'
        for name in report.names('mismatched')
    ]
    problems += [f'{n}: not in the checkpoint' for n in report.names('missing')]
    problems += [f'{n}: only in the checkpoint' for n in report.names('unexpected')]
    if len(problems) > _MAX_SHOWN:
        more = f'... {len(problems) - _MAX_SHOWN} more weights do not fit'
        problems = [*problems[:_MAX_SHOWN], more]
    return problems


def _differences(
    weights: StartWeights,
    given: Mapping[str, Tensor],
    model_cfg: Mapping | None,
    own: Mapping[str, Tensor],
) -> list[str]:
    """Say in terms of the config how two architectures differ."""
    theirs, ours = weights.model or {}, model_cfg or {}
    if theirs.get('type', ours.get('type')) != ours.get('type'):
        return [f'checkpoint: model.type={theirs["type"]}, config: {ours["type"]}']
    from_shapes = differing_settings(
        settings_from_shapes(given), settings_from_shapes(own)
    )
    return from_shapes or differing_settings(
        theirs.get('backbone'), ours.get('backbone')
    )


def _refusal(file: str, lines: list[str]) -> str:
    listed = ''.join(f'\n  {line}' for line in lines)
    return (
        f'{file} is a checkpoint of another model than that of the config:{listed}\n'
        'Give the config the settings of the checkpoint, or name another checkpoint'
    )


def _head_anew(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    model_cfg: Mapping | None,
    model: nn.Module,
) -> tuple[set[str], list[str], list[str]]:
    """Return the names in the head that start anew, why, and what else to tell."""
    head, last = _head_names(own)
    their_head, their_last = _head_names(given)
    own_head = getattr(model, 'head', None)
    types = head_type(model_cfg), type(own_head).__name__
    if types[0] not in (None, types[1]):
        return head, [f'head: checkpoint: {types[0]}, config: {types[1]}'], []
    if not _fit(own, given, head - last, their_head - their_last):
        told = f'head: the layers of the checkpoint do not fit those of {types[1]}'
        return head, [told], []
    margin = getattr(own_head, 'margin', None)
    margins = margin_type(model_cfg), _margin_name(margin)
    if not _fit(own, given, last, their_last):
        return last, [f'last layer: {_last_difference(margins, own, given)}'], []
    if margin is None or margins[0] == margins[1]:
        return set(), [], []
    if margins[0] is None:
        note = (
            'the checkpoint does not tell its margin, and the weights of all have one '
            f'shape: taken for those of {margins[1]}'
        )
        return set(), [], [note]
    return last, [f'margin: checkpoint: {margins[0]}, config: {margins[1]}'], []


def _head_names(state: Mapping[str, Tensor]) -> tuple[set[str], set[str]]:
    """Return the names in the head, and those of its last layer."""
    head = {n for n in state if n.startswith('head.') and not n.startswith(FREE_PARTS)}
    return head, {name for name in head if name.startswith(LAST_LAYERS)}


def _margin_name(margin: nn.Module | None) -> str:
    return 'none' if margin is None else type(margin).__name__


def _last_difference(
    margins: tuple[str | None, str],
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
) -> str:
    if margins[0] not in (None, margins[1]):
        return f'checkpoint: margin {margins[0]}, config: margin {margins[1]}'
    shapes = [
        [f'{n} {tuple(x.shape)}' for n, x in state.items() if n.startswith(LAST_LAYERS)]
        for state in (given, own)
    ]
    theirs, ours = (', '.join(listed) or 'none' for listed in shapes)
    return f'checkpoint: {theirs}; config: {ours}'


def _fit(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    names: set[str],
    their_names: set[str],
) -> bool:
    return names == their_names and all(own[n].shape == given[n].shape for n in names)


def _data_notes(
    weights: StartWeights,
    given: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    model_cfg: Mapping | None,
) -> list[str]:
    """Say where images were prepared in another way, or nobody knows."""
    notes = []
    names = [f'data_preprocessor.{name}' for name in ('mean', 'std')]
    if any(name in own and name not in given for name in names):
        notes.append(
            'normalisation: the checkpoint does not tell its mean and std; those of '
            'the config are used'
        )
    sizes = [(cfg or {}).get('input_size') for cfg in (weights.model, model_cfg)]
    if None not in sizes and tuple(sizes[0]) != tuple(sizes[1]):
        theirs, ours = ('x'.join(map(str, size)) for size in sizes)
        notes.append(
            f'image size: the checkpoint was trained with {theirs}, the config has '
            f'{ours}'
        )
    return notes
