"""A saved ensemble: members and combiners in one folder, predicting with one call.

The folder holds ``ensemble.json``, ``members/`` (copies of the checkpoints, unless they
are only referred to) and ``combiners/``. Nothing in it is unpickled but the
checkpoints, which are read as all checkpoints are. Shapes: N rows.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_members import score_members
from ocec.engine.checkpoint_io import file_sha256, write_text_atomically
from ocec.stacking import Combiner, load_combiner, save_combiner
from ocec.version import __version__

FILE_NAME = 'ensemble.json'
FORMAT = 1


@dataclass(frozen=True)
class Prediction:
    """What an ensemble says.

    Args:
        id_N: name of each row, as in the data.
        sample_id_N: (N,) row numbers.
        prob_N: (N,) P(label 1).
        label_N: (N,) decision at 0.5: 0 or 1.
        truth_N: (N,) label in the data; -1 where it has none.
        member_probs: (N,) P(label 1) by name of each member.
    """

    id_N: list[str]
    sample_id_N: np.ndarray
    prob_N: np.ndarray
    label_N: np.ndarray
    truth_N: np.ndarray
    member_probs: dict[str, np.ndarray]


@dataclass(frozen=True)
class Ensemble:
    """Members and the combiners fitted on them.

    Args:
        members: the base models.
        digests: SHA-256 of the checkpoint of each, by name.
        combiners: fitted, by name.
        meta: their settings.
        final: the one that predicts if none is named.
        seed: of combiners and dropout.
    """

    members: tuple[MemberConfig, ...]
    digests: Mapping[str, str]
    combiners: Mapping[str, Combiner]
    meta: Mapping[str, dict]
    final: str
    seed: int

    def predict(
        self,
        data: str | Path | Sequence[str] | None = None,
        *,
        split: str | None = None,
        combiner: str | None = None,
        batch_size: int | None = None,
        trust: bool = False,
    ) -> Prediction:
        """Score data with every member and combine.

        Args:
            data: file, folder or pattern; None takes the test data of the members.
            split: as ``test``; None takes that of the members' test loader.
            combiner: name; None takes ``final``.
            batch_size: of scoring.
            trust: unpickle anything from checkpoints.

        Returns:
            The prediction, rows in the order of the data.

        Raises:
            ConfigError: there is no such combiner, or a member cannot score the data.
        """
        name = combiner or self.final
        if name not in self.combiners:
            raise ConfigError(
                f'the ensemble has no combiner {name!r}; it has '
                f'{", ".join(self.combiners)}'
            )
        source = str(data) if isinstance(data, Path) else data
        source = tuple(source) if isinstance(source, list) else source
        scored = score_members(
            self.members,
            DataConfig(source, split),
            batch_size=batch_size,
            seed=self.seed,
            need_labels=False,
            trust=trust,
        )
        prob_N = self.combiners[name].predict(scored.scores)
        columns = scored.scores.prob_NM.T
        return Prediction(
            id_N=scored.id_N,
            sample_id_N=scored.sample_id_N,
            prob_N=prob_N,
            label_N=(prob_N >= 0.5).astype(np.int64),
            truth_N=scored.scores.label_N,
            member_probs=dict(zip(scored.scores.names, columns, strict=True)),
        )

    def save(self, folder: str | Path, *, copy_checkpoints: bool = True) -> None:
        """Write the ensemble.

        Args:
            folder: what is there of an older ensemble is replaced.
            copy_checkpoints: copy the weights into it; else only their path and
                digest are kept, and moving a checkpoint breaks the ensemble.
        """
        folder = Path(folder)
        building = folder.with_name(f'.{folder.name}.{os.getpid()}.tmp')
        shutil.rmtree(building, ignore_errors=True)
        (building / 'members').mkdir(parents=True)
        try:
            members = [
                _save_member(member, building, self.digests, copy_checkpoints)
                for member in self.members
            ]
            for name, combiner in self.combiners.items():
                save_combiner(combiner, building / 'combiners' / name)
            content = {
                'format': FORMAT,
                'version': __version__,
                'final': self.final,
                'seed': self.seed,
                'members': members,
                'meta': dict(self.meta),
            }
            text = json.dumps(content, indent=2) + '\n'
            write_text_atomically(text, building / FILE_NAME)
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(building, folder)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise

    @classmethod
    def load(cls, folder: str | Path) -> Ensemble:
        """Read an ensemble, and check that its members are what they were.

        Args:
            folder: of :meth:`save`.

        Returns:
            The ensemble.

        Raises:
            ConfigError: the folder holds none, or one of another format.
            FileNotFoundError: a member or a combiner is missing.
            ValueError: a checkpoint is not the one that was stacked.
        """
        folder = Path(folder)
        file = folder / FILE_NAME
        if not file.is_file():
            raise ConfigError(f'{file} is missing: {folder} is no saved ensemble')
        try:
            content = json.loads(file.read_text(encoding='utf-8'))
            if content['format'] != FORMAT:
                raise ConfigError(
                    f'{file}: format {content["format"]}, this version reads {FORMAT}'
                )
            members = [_load_member(entry, folder) for entry in content['members']]
            seed, meta, final = content['seed'], content['meta'], content['final']
            digests = {entry['name']: entry['sha256'] for entry in content['members']}
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ConfigError(f'{file}: damaged: {error!r}') from error
        for member in members:
            _check_checkpoint(member, digests[member.name])
        return cls(
            members=tuple(members),
            digests=digests,
            combiners={
                name: load_combiner(folder / 'combiners' / name, settings, seed=seed)
                for name, settings in meta.items()
            },
            meta=meta,
            final=final,
            seed=seed,
        )


def _save_member(
    member: MemberConfig, folder: Path, digests: Mapping[str, str], copy: bool
) -> dict:
    """Copy the files of a member, or refer to them; returns its entry."""
    files = {'checkpoint': member.checkpoint, 'config': member.config}
    for key, suffix in (('checkpoint', '.pth'), ('config', '.py')):
        if files[key] is None:
            continue
        # a config may name bases beside it, so only weights are copied
        if copy and key == 'checkpoint':
            target = Path('members') / f'{member.name}{suffix}'
            shutil.copyfile(files[key], folder / target)
            files[key] = target
        else:
            files[key] = files[key].resolve()
    return {
        'name': member.name,
        **{key: None if file is None else str(file) for key, file in files.items()},
        'sha256': digests[member.name],
        'mc_dropout': member.mc_dropout,
        'swap': member.swap,
        'cfg_options': list(member.cfg_options),
    }


def _load_member(entry: Mapping, folder: Path) -> MemberConfig:
    config = entry['config']
    member = MemberConfig(
        name=entry['name'],
        checkpoint=folder / entry['checkpoint'],
        config=None if config is None else Path(config),
        mc_dropout=entry['mc_dropout'],
        swap=entry['swap'],
    )
    return replace(member, cfg_options=tuple(entry['cfg_options']))


def _check_checkpoint(member: MemberConfig, digest: str) -> None:
    if not member.checkpoint.is_file():
        raise FileNotFoundError(
            f'member {member.name!r} of the ensemble is missing: {member.checkpoint}'
        )
    if (found := file_sha256(member.checkpoint)) != digest:
        raise ValueError(
            f'member {member.name!r}: {member.checkpoint} is not the checkpoint that '
            f'was stacked: its SHA-256 is {found[:12]}..., not {digest[:12]}...'
        )
