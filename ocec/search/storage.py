"""Where a sweep keeps its trials: a journal file, or a database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ocec.search.strategies import import_optuna

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

FINGERPRINT, SETTINGS = 'ocec_fingerprint', 'ocec_settings'
MAX_SHOWN = 6


class OtherSweepError(ValueError):
    """The storage holds a sweep of this name with other settings."""


def open_storage(place: str | Path) -> BaseStorage:
    """Open a storage; it is made where there is none.

    Args:
        place: a journal file, or the URL of a database (``sqlite:///FILE``,
            ``postgresql://USER:PASSWORD@HOST/NAME``).

    Returns:
        The storage.

    Raises:
        ValueError: it cannot be reached or is none; the message hides the password.
        ImportError: Optuna is not installed.
    """
    optuna = import_optuna()
    if is_url(place):
        return _open_database(optuna, str(place))
    from optuna.storages.journal import JournalFileBackend

    path = Path(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_torn_line(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: no journal that can be used: {error}') from error


def open_study(
    storage: BaseStorage,
    name: str,
    *,
    directions: Sequence[str],
    settings: dict,
    fingerprint: str,
) -> Study:
    """Open the study of a sweep; it is made where there is none.

    Args:
        storage: of :func:`open_storage`.
        name: of the study.
        directions: ``maximize`` or ``minimize`` of each objective.
        settings: what the sweep is, for messages; JSON can hold it.
        fingerprint: of what must be equal for values to be comparable.

    Returns:
        The study.

    Raises:
        OtherSweepError: the storage holds a study of this name with another
            fingerprint.
    """
    optuna = import_optuna()
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, directions=list(directions)
        )
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name)
    attributes = study.user_attrs
    if FINGERPRINT not in attributes:
        if study.get_trials(deepcopy=False):
            raise OtherSweepError(f'study {name!r} was not made by tools/sweep.py')
        # the settings first: with a fingerprint they are there
        study.set_user_attr(SETTINGS, settings)
        study.set_user_attr(FINGERPRINT, fingerprint)
    elif attributes[FINGERPRINT] != fingerprint:
        changes = _changes(attributes[SETTINGS], settings)
        raise OtherSweepError(
            f'the storage holds another sweep called {name!r}: {changes}. Choose '
            'another --work-dir or --storage, or give this one a name= of its own'
        )
    return study


def is_url(place: str | Path) -> bool:
    """Say whether a storage is named by a URL, rather than by a file."""
    return '://' in str(place)


def hide_password(place: str | Path) -> str:
    """Return the name of a storage for messages.

    Args:
        place: a journal file, or a URL.

    Returns:
        The same, with ``***`` in place of a password.

    Example:
        >>> hide_password('postgresql://me:secret@host/sweeps')
        'postgresql://me:***@host/sweeps'
    """
    scheme, separator, rest = str(place).partition('://')
    login, at, host = rest.rpartition('@')
    user, colon, _ = login.partition(':')
    return f'{scheme}{separator}{user}{":***" if colon else ""}{at}{host}'


def drop_torn_line(journal: Path) -> None:
    """Cut off half a line that a crash has left at the end of a journal.

    The next line would be joined to it, and nothing could read the file any more.

    Args:
        journal: the file; it need not exist.
    """
    if not journal.is_file() or _ends_whole(journal):
        return
    from optuna.storages.journal import JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()
    try:
        if not _ends_whole(journal):  # another process may have been in the middle
            content = journal.read_bytes()
            with open(journal, 'r+b') as stream:
                stream.truncate(content.rfind(b'\n') + 1)
    finally:
        lock.release()


def _ends_whole(journal: Path) -> bool:
    with open(journal, 'rb') as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1))
        return stream.read() in (b'', b'\n')


def _open_database(optuna, url: str) -> BaseStorage:
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise ImportError('a database needs sqlalchemy: pip install optuna') from error
    try:
        return optuna.storages.RDBStorage(url)
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0].replace(url, hide_password(url))
        raise ValueError(
            f'--storage {hide_password(url)} cannot be opened: {first}'
        ) from error


def _changes(then: dict, now: dict) -> str:
    """What differs, in words."""
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    found = [f'{n} is {_text(now.get(n))}, there {_text(then.get(n))}' for n in names]
    more = f' and {len(found) - MAX_SHOWN} more' if len(found) > MAX_SHOWN else ''
    return '; '.join(found[:MAX_SHOWN]) + more or 'its base config differs'


def _text(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f'{text[:117]}...'
