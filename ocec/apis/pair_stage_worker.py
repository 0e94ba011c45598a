"""The process of one member: trains what ``member.json`` of its folder says."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from ocec.apis.command import run_command
from ocec.apis.pair_stage_run import FINISHED_FILE, MEMBER_FILE
from ocec.apis.train import train
from ocec.engine.checkpoint_io import write_text_atomically


def train_member(folder: str | Path) -> None:
    """Train a member, from its last checkpoint where there is one.

    Args:
        folder: with ``member.json``; gets ``finished.json`` at the end.

    Raises:
        ValueError: a signal has stopped the run, or it was never validated, so that it
            has no best checkpoint.
    """
    folder = Path(folder)
    settings = json.loads((folder / MEMBER_FILE).read_text(encoding='utf-8'))
    result = train(
        settings['config'],
        work_dir=folder,
        data=settings['data'],
        resume='auto',
        cfg_options=settings['cfg_options'],
        seed=settings['seed'],
    )
    if result.stopped_by:
        raise ValueError(
            f'{folder}: stopped by {result.stopped_by}; the next start goes on from '
            'there'
        )
    if result.best is None:
        raise ValueError(f'{folder}: the run has no best checkpoint')
    content = {
        'key': settings['key'],
        'finished': datetime.now().isoformat(timespec='seconds'),
        'best': result.best,
    }
    text = json.dumps(content, indent=1) + '\n'
    write_text_atomically(text, folder / FINISHED_FILE)


if __name__ == '__main__':
    sys.exit(run_command(train_member, folder=sys.argv[1]))
