"""Start from the weights of a checkpoint, and say what was taken and what was not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor, nn

from ocec.engine.checkpoint_io import write_text_atomically
from ocec.engine.key_report import STATES
from ocec.engine.start_plan import Start, plan_start
from ocec.engine.start_weights import read_weights

REPORT = 'pretrained.json'


def load_start(
    runner: Runner,
    model: nn.Module,
    checkpoint: Mapping,
    file: str,
    *,
    strict: bool = False,
    revise: Sequence[tuple[str, str]] = (),
) -> dict:
    """Load what fits of a checkpoint into the model of a run, and report it.

    In a training the report is also written to ``pretrained.json`` in the work_dir.

    Args:
        runner: the runner; ``load_weights`` of its config is ``ema`` or ``raw``. A
            test takes the averaged ones, which validation chose.
        model: its model, without a wrapper.
        checkpoint: what ``load_safely`` returned.
        file: where it lies.
        strict: let no part of the head start anew.
        revise: (pattern, replacement) for the names of the weights.

    Returns:
        The checkpoint as the hooks got it: ``state_dict`` is the whole state that was
        loaded, ``built`` names what of it is not from the checkpoint.
    """
    is_training = not isinstance(runner._train_loop, (dict, type(None)))
    # what its own training started from is no matter of how a checkpoint is tested
    which = runner.cfg.get('load_weights', 'ema') if is_training else 'ema'
    weights = read_weights(checkpoint, file, which)
    model_cfg = runner.cfg.get('model')
    start = plan_start(
        replace(weights, state=_revised(weights.state, revise)),
        model,
        model_cfg=model_cfg if isinstance(model_cfg, Mapping) else None,
        file=file,
        may_start_anew=is_training and not strict,
    )
    loaded = dict(checkpoint) if 'state_dict' in checkpoint else {}
    loaded['state_dict'] = start.state
    # what the state holds beside: values that the model was built with
    loaded['built'] = start.report.names('missing', 'mismatched', 'left_out')
    runner.call_hook('after_load_checkpoint', checkpoint=loaded)
    model.load_state_dict(start.state)
    table = f'\n{start.report}' if is_training else ''
    runner.logger.info(f'Load checkpoint from {file}: {start.kind}{table}')
    for line in start.anew:
        runner.logger.warning(f'starts anew: {line}')
    for note in start.notes:
        runner.logger.warning(note)
    if is_training and is_main_process():
        text = json.dumps(start_record(start, file), indent=2) + '\n'
        write_text_atomically(text, Path(runner.work_dir) / REPORT)
    return loaded


def start_record(start: Start, file: str) -> dict:
    """Return a start as plain values.

    Args:
        start: what was loaded.
        file: where the checkpoint lies.

    Returns:
        ``checkpoint``, ``weights`` (which ones), ``share`` of the values loaded,
        ``modules`` with counts and shares, ``names`` of what was not loaded by state,
        ``anew`` and ``notes``.
    """
    report = start.report
    return {
        'checkpoint': str(file),
        'weights': start.kind,
        'share': report.share_loaded(),
        'modules': report.by_module(),
        'names': {state: report.names(state) for state in STATES if state != 'loaded'},
        'anew': start.anew,
        'notes': start.notes,
    }


def _revised(
    state: Mapping[str, Tensor], revise: Sequence[tuple[str, str]]
) -> dict[str, Tensor]:
    state = dict(state)
    for pattern, replacement in revise:
        state = {re.sub(pattern, replacement, name): x for name, x in state.items()}
    return state
