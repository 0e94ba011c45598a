"""``python -m ocec train``: the guides' command line on the config system."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from mmengine.device import get_device

from ocec.apis.errors import ConfigError
from ocec.apis.guide_options import config_options, notes_on_options
from ocec.apis.guide_settings import GuideSettings
from ocec.apis.guide_split import choose_split
from ocec.apis.option_values import parse_value
from ocec.apis.run_config import read_config
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.apis.train import TrainResult, train

CONFIG = 'configs/ocec/ocec-guide_1xb32-30e_eye-48x48.py'
TOOL = 'tools/train.py'


@dataclass(frozen=True)
class GuideCall:
    """The call of ``tools/train.py`` that a command stands for.

    Args:
        config: path of the config.
        work_dir: folder of the run.
        data: parquet file or folder.
        cfg_options: ``KEY=VALUE`` texts.
        seed: of all random numbers; None keeps that of the config.
        amp: mixed precision.
        resume: checkpoint to go on from, ``auto`` or None.
        without_gpu: whether GPUs are hidden.
    """

    config: Path
    work_dir: str
    data: str
    cfg_options: tuple[str, ...]
    seed: int | None
    amp: bool
    resume: str | None
    without_gpu: bool

    def run(self) -> TrainResult:
        """Train, as the tool would."""
        return train(
            self.config,
            work_dir=self.work_dir,
            data=self.data,
            resume=self.resume,
            amp=self.amp,
            cfg_options=self.cfg_options,
            seed=self.seed,
        )

    def __str__(self) -> str:
        """Return the call for a shell, one line per option."""
        hidden = ['CUDA_VISIBLE_DEVICES='] if self.without_gpu else []
        tool = shown_path(packed_file(TOOL))
        lines = [
            [*hidden, shown_path(Path(sys.executable)), tool, shown_path(self.config)],
            ['--work-dir', self.work_dir],
            ['--data', self.data],
        ]
        if self.seed is not None:
            lines.append(['--seed', str(self.seed)])
        if self.amp:
            lines.append(['--amp'])
        if self.resume is not None:
            lines.append(['--resume', self.resume])
        if self.cfg_options:
            lines.append(['--cfg-options'])
            lines += [[option] for option in self.cfg_options]
        return ' \\\n    '.join(map(_quoted, lines))


def train_by_guide(settings: GuideSettings) -> TrainResult:
    """Print the equivalent call of ``tools/train.py``, then run it.

    With ``device='cpu'``, CUDA_VISIBLE_DEVICES must have been set to nothing before
    torch looked for GPUs.

    Args:
        settings: of the command.

    Returns:
        Where the run lies and what its best checkpoint is.

    Raises:
        ConfigError: a size cannot be read, the config does not fit together, there is
            no such checkpoint, it is not clear which is meant, or it is one of
            another model.
        FileNotFoundError: there are no data.
        ValueError: the device is not there, or the data cannot be used.
    """
    _check_device(settings.device)
    call, notes = build_call(settings)
    for note in notes:
        print(note)
    print(f'\nThe same with the config system:\n{call}\n', flush=True)
    return call.run()


def build_call(settings: GuideSettings) -> tuple[GuideCall, list[str]]:
    """Translate the settings of a command.

    Args:
        settings: of the command.

    Returns:
        The call, with only what differs from the config; lines for the user.

    Raises:
        ConfigError: a size cannot be read, there is no such checkpoint, or it is not
            clear which is meant.
        FileNotFoundError: there are no data.
        ValueError: the data cannot be used.
    """
    config = packed_file(CONFIG)
    _, plateau = read_config(config).param_scheduler
    split = choose_split(settings)
    options = config_options(settings, split=split, plateau=plateau)
    notes = [split.told, *notes_on_options(settings)]
    if settings.pretrain:
        checkpoint = choose_checkpoint(settings.pretrain)
        options.append(f'load_from={_as_text(str(checkpoint.path))}')
        notes.append(f'weights: {checkpoint}')
    call = GuideCall(
        config=config,
        work_dir=settings.output_dir,
        data=settings.data_root,
        cfg_options=tuple(options),
        seed=None if settings.is_default('seed') else settings.seed,
        amp=settings.use_amp,
        resume=settings.resume,
        without_gpu=settings.device == 'cpu',
    )
    return call, notes


def _check_device(device: str) -> None:
    if device not in ('auto', found := get_device()):
        raise ValueError(
            f'--device {device}: torch finds none here, it would run on {found}'
        )


def _as_text(path: str) -> str:
    """Return what ``--cfg-options`` reads back as this text: ``01,02`` is a list."""
    try:
        is_plain = parse_value(path) == path
    except ValueError:  # a bracket that is not closed
        is_plain = False
    return path if is_plain else repr(path)


def packed_file(name: str) -> Path:
    """Return a file of configs or tools, which lie beside the modules or above them.

    Args:
        name: relative to the repository.

    Returns:
        Its path.

    Raises:
        ConfigError: the install lacks it.
    """
    package = Path(__file__).parents[1]
    for folder in (package / '.mim', package.parent):
        if (folder / name).is_file():
            return (folder / name).resolve()
    raise ConfigError(f'{name}: not beside {package}; install the package again')


def shown_path(path: Path) -> str:
    """Return a path as one would type it here.

    Args:
        path: absolute.

    Returns:
        Relative to the current folder where it lies below.
    """
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _quoted(words: list[str]) -> str:
    # the assignment before a command must stay bare
    return ' '.join(w if w.endswith('DEVICES=') else shlex.quote(w) for w in words)
