"""Where in a model the first number arises that is not finite."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass

import torch
from torch import Tensor, nn

# how many names or ids a message shows
SHOWN = 8


@dataclass
class NonFinite:
    """What is not finite when a batch is trained on.

    Args:
        loss: its sum; None if the model raised.
        inputs: names of tensors of the batch that are not finite.
        weights: names of parameters and buffers that were not finite before.
        module: name of the first module, in the order of the forward, whose output is
            not finite while its inputs are; None if there is none.
        module_type: name of its class.
        sample_ids: of the batch; of the rows of that output that are not finite, where
            its first dimension is the batch and some rows are finite.
        gradients: names of parameters whose gradients are not finite.
        num_parameters: that have a gradient.
    """

    loss: float | None = None
    inputs: list[str] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    module: str | None = None
    module_type: str | None = None
    sample_ids: list[int] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)
    num_parameters: int = 0

    @property
    def is_found(self) -> bool:
        """Whether anything is not finite."""
        loss_is_bad = self.loss is not None and not math.isfinite(self.loss)
        return bool(loss_is_bad or self.inputs or self.module or self.gradients)

    def to_plain(self) -> dict:
        """Return it as plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it in the order in which one looks for the cause."""
        found = []
        if self.inputs:
            found.append(f'the batch itself is not finite: {_shown(self.inputs)}')
        if self.weights:
            found.append(f'weights were not finite before: {_shown(self.weights)}')
        if self.module is not None:
            found.append(
                'first module with finite inputs and an output that is not: '
                f'{self.module} ({self.module_type})'
            )
        elif self.loss is not None and not math.isfinite(self.loss):
            found.append('no module: the output of every one is finite')
        if self.sample_ids:
            found.append(f'samples: {_shown(self.sample_ids)}')
        if self.gradients:
            found.append(
                f'gradients that are not finite: {len(self.gradients)} of '
                f'{self.num_parameters} parameters: {_shown(self.gradients)}'
            )
        return found


def search(
    model: nn.Module,
    batch: Mapping,
    *,
    context: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
    loss_scale: float = 1.0,
) -> NonFinite:
    """Train on a batch again, without a step, and look at every module.

    Buffers are put back, gradients are left alone, and no rank talks to another. The
    caller sets the random state.

    Args:
        model: not wrapped; as it was before the batch.
        batch: as it comes from the loader.
        context: of the forward, as autocast.
        loss_scale: times the loss before its gradients.

    Returns:
        What was found.
    """
    found = NonFinite(inputs=[n for n, x in _tensors(batch) if not _is_finite(x)])
    named = [*model.named_parameters(), *model.named_buffers()]
    found.weights = [name for name, x in named if not _is_finite(x)]
    found.sample_ids = sample_ids(batch)
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with torch.compiler.set_stance('force_eager'), torch.enable_grad():
        with _watched(model, found), context():
            data = model.data_preprocessor(batch, training=True)
            losses = model(**data, mode='loss')
        loss, _ = model.parse_losses(losses)
        found.loss = loss.item()
        _search_gradients(model, loss * loss_scale, found)
    with torch.no_grad():
        for buffer, before in buffers:
            buffer.copy_(before)
    return found


def sample_ids(batch: Mapping) -> list[int]:
    """Return the ids of the samples of a batch, where it tells them."""
    ids = getattr(batch.get('data_samples'), 'sample_id_B', None)
    return [] if ids is None else ids.tolist()


def _search_gradients(model: nn.Module, loss: Tensor, found: NonFinite) -> None:
    """Of gradients that belong to nobody: hooks of other ranks must not be called."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, [p for _, p in named], allow_unused=True)
    pairs = [
        (name, gradient)
        for (name, _), gradient in zip(named, gradients, strict=True)
        if gradient is not None
    ]
    found.num_parameters = len(pairs)
    found.gradients = [name for name, gradient in pairs if not _is_finite(gradient)]


@contextlib.contextmanager
def _watched(model: nn.Module, found: NonFinite) -> Iterator[None]:
    """Look at every module's inputs and outputs while it lasts."""

    def look(name):
        def hook(module, args, kwargs, output):
            if found.module is not None or _all_finite(output):
                return
            if _all_finite(args) and _all_finite(kwargs):
                found.module, found.module_type = name, type(module).__name__
                _narrow(found, output)

        return hook

    handles = [
        module.register_forward_hook(look(name or 'the model'), with_kwargs=True)
        for name, module in model.named_modules()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _narrow(found: NonFinite, output) -> None:
    """Keep the samples whose rows are not finite, if that says anything."""
    for _, x in _tensors(output):
        if not x.is_floating_point() or x.ndim == 0 or len(x) != len(found.sample_ids):
            continue
        is_bad_B = (
            ~x.detach().isfinite().flatten(1).all(1)
            if x.ndim > 1
            else ~(x.detach().isfinite())
        )
        if 0 < int(is_bad_B.sum()) < len(is_bad_B):
            pairs = zip(found.sample_ids, is_bad_B.tolist(), strict=True)
            found.sample_ids = [number for number, is_bad in pairs if is_bad]
            return


def _tensors(value, name: str = '') -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of nested containers and structures by their names."""
    if isinstance(value, Tensor):
        yield name, value
        return
    if isinstance(value, Mapping):
        items = value.items()
    elif is_dataclass(value):
        items = ((f.name, getattr(value, f.name)) for f in fields(value))
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield from _tensors(item, f'{name}.{key}' if name else str(key))


def _all_finite(value) -> bool:
    return all(_is_finite(x) for _, x in _tensors(value))


def _is_finite(x: Tensor) -> bool:
    return not x.is_floating_point() or bool(x.detach().isfinite().all())


def _shown(items: list) -> str:
    """Write the first items of a list, and how many there are if not all."""
    text = ', '.join(map(str, items[:SHOWN]))
    more = len(items) - SHOWN
    return f'{text} and {more:,} more' if more > 0 else text
