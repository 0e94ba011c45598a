"""One member's folder: what it is trained with, and how far it has come."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.pair_stage_plan import StageMember
from ocec.apis.run_config import LOADERS, load_run_config
from ocec.engine.checkpoint_io import file_sha256, write_text_atomically
from ocec.engine.hooks.checkpoint_hook import FILES
from ocec.visualization.run_groups import find_config_differences

MEMBER_FILE, FINISHED_FILE, LOCK_FILE = 'member.json', 'finished.json', '.member.lock'
CONSOLE_FILE = 'console.log'
#: what nets are trained and chosen with; a test set may change
DATA_FILES = ('train.npz', 'val.npz', 'digits.npz')
MAX_SHOWN = 4


@dataclass(frozen=True)
class MemberRun:
    """A training with all of its settings.

    Args:
        member: of the plan.
        folder: its work_dir.
        data: folder of pairs.
        settings: dotted name to value of the resolved config, without paths.
        data_sha256: digest of the files that it is trained and chosen with.
    """

    member: StageMember
    folder: Path
    data: Path
    settings: dict
    data_sha256: str

    @property
    def name(self) -> str:
        """Stage and run, as ``stage1/cbam-fusion6-s42``."""
        return f'{self.member.stage}/{self.member.run}'

    @property
    def max_epochs(self) -> int:
        """Epochs that are planned."""
        return self.settings['train_cfg.max_epochs']

    def key(self) -> str:
        """Hash what decides on the result.

        Returns:
            SHA-256 of config, seed and data in hexadecimal.
        """
        content = [self.settings, self.member.seed, self.data_sha256]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def state(self) -> str:
        """Look how far the run has come.

        Returns:
            ``finished``, ``begun`` or ``new``.

        Raises:
            ConfigError: the folder holds a run with other settings or data, or one
                whose best checkpoint is gone.
        """
        if not (self.folder / MEMBER_FILE).is_file():
            if (self.folder / 'metrics.jsonl').exists():
                raise ConfigError(
                    f'{self.folder} holds a run that was not started here: choose '
                    'another --work-dir, or begin it anew with --retrain'
                )
            return 'new'
        before = _read_json(self.folder / MEMBER_FILE)
        if before.get('key') != self.key():
            raise ConfigError(
                f'{self.folder} was trained otherwise: {self._changes(before)}. Choose '
                'another --work-dir, or begin it anew with --retrain'
            )
        finished = self.folder / FINISHED_FILE
        if not finished.is_file():
            return 'begun'
        best = self.folder / _read_json(finished)['best']['file']
        if not best.is_file():
            raise ConfigError(
                f'{finished} names {best.name}, which is not there: begin the run anew '
                'with --retrain'
            )
        return 'finished'

    def prepare(self, *, anew: bool = False) -> None:
        """Write down what will be trained; the process of the training reads it.

        Args:
            anew: forget how far an earlier run has come; its log is put aside, its
                checkpoints are overwritten.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / FINISHED_FILE).unlink(missing_ok=True)
        if anew:
            for name in ('last_checkpoint', 'best.json', FILES):
                (self.folder / name).unlink(missing_ok=True)
        content = {
            'stage': self.member.stage,
            'name': self.member.name,
            'seed': self.member.seed,
            'config': str(self.member.path),
            'cfg_options': list(self.member.cfg_options),
            'data': str(self.data),
            'data_sha256': self.data_sha256,
            'key': self.key(),
            'settings': self.settings,
        }
        text = json.dumps(content, indent=1) + '\n'
        write_text_atomically(text, self.folder / MEMBER_FILE)

    def lock(self) -> int:
        """Take the folder, so that no second process trains in it.

        The lock belongs to every process that has the descriptor, and ends with them.

        Returns:
            A file descriptor, to be passed on and closed.

        Raises:
            ValueError: another process has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise ValueError(
                f'{self.folder}: another process is training there; wait for it, or '
                'end it'
            ) from error
        return lock

    def _changes(self, before: Mapping) -> str:
        """What differs from an earlier run, in words."""
        then, now = before.get('settings') or {}, self.settings
        differing = find_config_differences({'then': then, 'now': now}) if then else {}
        found = [f'{n} {old} then, {new} now' for n, (old, new) in differing.items()]
        if before.get('data_sha256') != self.data_sha256:
            found.append(f'the pairs are not those of {before.get("data")}')
        more = f' and {len(found) - MAX_SHOWN} more' if len(found) > MAX_SHOWN else ''
        return '; '.join(found[:MAX_SHOWN]) + more or 'its member.json is incomplete'


def describe_run(
    member: StageMember, root: Path, data: Path, data_sha256: str
) -> MemberRun:
    """Work out what a member is trained with; checks its config.

    Args:
        member: of the plan.
        root: folder of all stages.
        data: folder of pairs.
        data_sha256: of :func:`hash_data`.

    Returns:
        The run.

    Raises:
        ConfigError: the config is missing or wrong.
    """
    folder = root / member.stage / member.run
    with contextlib.redirect_stdout(io.StringIO()):  # the training prints them
        cfg = load_run_config(
            member.path,
            work_dir=folder,
            cfg_options=member.cfg_options,
            data=data,
        ).to_dict()
    for name in LOADERS:
        if cfg.get(name):
            del cfg[name]['dataset']['data']
    for name in ('work_dir', 'data_root', 'randomness'):
        cfg.pop(name, None)
    settings: dict = {}
    _flatten('', cfg, settings)
    return MemberRun(member, folder, data, settings, data_sha256)


def hash_data(data: Path) -> str:
    """Hash the pairs that nets are trained and chosen with.

    Args:
        data: folder of pairs.

    Returns:
        SHA-256 in hexadecimal.

    Raises:
        ConfigError: ``train.npz`` or ``val.npz`` is missing.
    """
    digests = []
    for name in DATA_FILES:
        file = data / name
        if file.is_file():
            digests.append(f'{name} {file_sha256(file)}')
        elif name != 'digits.npz':  # only streams need it
            raise ConfigError(f'{file}: no such file of pairs')
    return hashlib.sha256('\n'.join(digests).encode()).hexdigest()


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ConfigError(f'{path} is damaged: {error}') from error
    if not isinstance(content, dict):
        raise ConfigError(f'{path} is damaged: it holds no record')
    return content


def _flatten(name: str, value, settings: dict) -> None:
    """Dotted names to plain values, as JSON gives them back."""
    items = value.items() if isinstance(value, dict) else enumerate(value or ())
    for key, item in items:
        full = f'{name}.{key}' if name else str(key)
        is_container = isinstance(item, (dict, list, tuple)) and item
        if is_container:
            _flatten(full, item, settings)
        else:
            plain = item is None or isinstance(item, (bool, int, float, str))
            settings[full] = item if plain else repr(item)
