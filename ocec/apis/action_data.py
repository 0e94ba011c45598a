"""Where the skeletons and videos of actions are: ``--data``, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ocec.apis.errors import ConfigError

DATASET = 'RGBPose'
SYNTHETIC, SYNTHETIC_FOLDER = 'synthetic', 'data/sample_actions'
VIDEO_FOLDER = 'videos'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

HOW_TO_GET = f"""\
Skeletons: a pickle in the layout of mmaction2 and PYSKL, as their ntu60_2d.pkl.
Videos: NAME_rgb.avi as NTU RGB+D has them, or NAME.mp4, in one folder.
Files elsewhere: --data FOLDER with one .pkl and {VIDEO_FOLDER}/, or --data FILE.pkl
Without the data set, on generated actions:
  python tools/dataset_converters/make_sample_actions.py {SYNTHETIC_FOLDER}
  and --data {SYNTHETIC}
docs/skeleton.md says more"""


def is_action_dataset(dataset: Mapping) -> bool:
    """Tell whether a dataset reads actions.

    Args:
        dataset: its config.

    Returns:
        True for one of actions.
    """
    return dataset.get('type') in (DATASET, f'ocec.{DATASET}')


def point_at_actions(dataset: dict, name: str, data: str | Path) -> list[str]:
    """Let a dataset read the skeletons, and the videos, of another place.

    Args:
        dataset: config of the dataset, changed in place; one without ``rgb`` stays so.
        name: of its loader, for the texts.
        data: ``synthetic`` for the folder that ``make_sample_actions.py`` writes; a
            folder with one ``.pkl`` and the videos in ``videos``, or in itself; or a
            pickle, whose videos are in ``videos`` beside it, or stay where they were.

    Returns:
        A text for each change, old -> new.

    Raises:
        ConfigError: there is no such file or folder, or not one pickle in it.
    """
    if not isinstance(data, (str, Path)):
        raise ConfigError(f'--data must be one pickle or folder of actions, got {data}')
    annotations = _find_pickle(data)
    changes = _change(dataset, 'annotations', str(annotations), f'{name}.dataset')
    rgb = dataset.get('rgb')
    if rgb is None:
        return changes
    folder = annotations.parent
    if (folder / VIDEO_FOLDER).is_dir():
        folder = folder / VIDEO_FOLDER
    elif Path(data).expanduser().is_file():
        return changes
    # of a folder without it the pickle may name files below the folder
    changes += _change(rgb, 'root', str(folder), f'{name}.dataset.rgb')
    return changes


def check_action_files(cfg: Mapping) -> None:
    """Refuse a run whose skeletons or videos are not there; names all of them.

    Args:
        cfg: the config that runs; datasets of other kinds are not looked at.

    Raises:
        ConfigError: something is missing; the message says who looks for it, where,
            and how to get or make it.
    """
    users: dict[str, list[str]] = {}
    for name in LOADERS:
        dataset = (cfg.get(name) or {}).get('dataset') or {}
        if is_action_dataset(dataset):
            for line in _missing(dataset):
                users.setdefault(line, []).append(name)
    if users:
        listed = '\n'.join(
            f'  {line} ({", ".join(names)})' for line, names in users.items()
        )
        raise ConfigError(
            f'data that are not there, looked for from {Path.cwd()}:\n{listed}\n'
            f'{HOW_TO_GET}'
        )


def _missing(dataset: Mapping) -> Iterator[str]:
    annotations = Path(dataset['annotations']).expanduser()
    if not annotations.is_file():
        yield f'{annotations}: no such file of skeletons'
    if dataset.get('rgb') is not None:
        root = Path(dataset['rgb']['root']).expanduser()
        if not root.is_dir():
            yield f'{root}: no such folder of videos'


def _find_pickle(data: str | Path) -> Path:
    place = Path(SYNTHETIC_FOLDER if str(data) == SYNTHETIC else data).expanduser()
    if place.is_file():
        return place
    if not place.is_dir():
        raise ConfigError(f'--data {data}: {place} does not exist.\n{HOW_TO_GET}')
    pickles = sorted(place.glob('*.pkl'))
    if len(pickles) != 1:
        names = ', '.join(path.name for path in pickles) or 'none'
        raise ConfigError(
            f'--data {data}: {place} must hold one .pkl of skeletons, there is '
            f'{names}; name the file itself'
        )
    return pickles[0]


def _change(settings: dict, key: str, new: str, where: str) -> list[str]:
    old, settings[key] = settings.get(key), new
    return [] if new == old else [f'{where}.{key}: {old!r} -> {new!r}']
