"""What a run was made with, as short texts that can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

NOT_COMPARABLE, CAREFUL, TIMES = 'not comparable', 'careful', 'times'
"""How much a difference matters: to every number, to its reason, to speed only."""

FACTS = {
    'val set': NOT_COMPARABLE,
    'train set': CAREFUL,
    'code': CAREFUL,
    'packages': CAREFUL,
    'device': TIMES,
    'ranks': TIMES,
    'threads': TIMES,
}
"""Facts of ``provenance.json`` and how much a difference matters, gravest first."""

UNKNOWN = 'not recorded'
# the same pictures at another place or size are the same set
OF_NO_MATTER = ('file', 'videos', 'image_size')


def describe_session(session: Mapping) -> dict[str, str]:
    """Put one session of ``provenance.json`` into words.

    Args:
        session: one entry of its ``sessions``.

    Returns:
        Text for each of ``FACTS``, ``not recorded`` where the entry lacks it.
    """
    data = session.get('data') or {}
    packages = dict(session.get('packages') or {})
    version = packages.pop('ocec', None)
    packages['python'] = session.get('python', UNKNOWN)
    return {
        'val set': describe_data(data.get('val')),
        'train set': describe_data(data.get('train')),
        'code': _describe_code(version, session.get('git')),
        'packages': ', '.join(f'{n} {v}' for n, v in sorted(packages.items())),
    } | {
        name: str(session.get(name, UNKNOWN)) for name in ('device', 'ranks', 'threads')
    }


def describe_data(fingerprint: Mapping | None) -> str:
    """Put the fingerprint of a data set into words.

    Args:
        fingerprint: as a dataset's ``fingerprint()`` returned it.

    Returns:
        ``2,426 images, 51963c6d``; the last word differs where anything but the place
        of the files and the image size differs.
    """
    if not fingerprint:
        return UNKNOWN
    text = json.dumps(_without_places(fingerprint), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    counts = [fingerprint.get(name) for name in ('closed', 'open')]
    if all(isinstance(count, int) for count in counts):
        return f'{sum(counts):,} images, {digest}'
    if isinstance(fingerprint.get('clips'), int):
        return f'{fingerprint["clips"]:,} clips, {digest}'
    return digest


def find_changes(sessions: Sequence[Mapping]) -> list[str]:
    """Tell what changed when a run was resumed.

    Args:
        sessions: of ``provenance.json``.

    Returns:
        Messages, one for each fact that did not stay the same.
    """
    described = [describe_session(session) for session in sessions]
    messages = []
    for fact in ('val set', 'train set', 'code', 'packages'):
        texts = list(dict.fromkeys(found[fact] for found in described))
        if len(texts) > 1:
            messages.append(f'resumed with another {fact}: {", then ".join(texts)}')
    return messages


def compare_facts(facts: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Tell in what the surroundings of runs differ.

    Args:
        facts: name of a run to its texts.

    Returns:
        (how much it matters, message), the gravest first; a fact that no run
        recorded is passed over.
    """
    flags = []
    for fact, level in FACTS.items():
        runs_of: dict[str, list[str]] = {}
        for run, texts in facts.items():
            runs_of.setdefault(texts.get(fact, UNKNOWN), []).append(run)
        if len(runs_of) > 1:
            parts = [f'{text} ({_some(runs)})' for text, runs in runs_of.items()]
            flags.append((level, f'different {fact}: {"; ".join(parts)}'))
    return flags


def _some(names: Sequence[str], limit: int = 4) -> str:
    more = f' and {len(names) - limit} more' if len(names) > limit else ''
    return ', '.join(names[:limit]) + more


def _without_places(value):
    if isinstance(value, Mapping):
        return {
            k: _without_places(v) for k, v in value.items() if k not in OF_NO_MATTER
        }
    if isinstance(value, (list, tuple)):
        return [_without_places(item) for item in value]
    return value


def _describe_code(version: str | None, git: Mapping | None) -> str:
    parts = [f'ocec {version}'] if version else []
    if git:
        parts.append(f'commit {git.get("commit", "?")[:10]}')
        changed = (git.get('changed') or '').strip()
        if changed:
            digest = hashlib.sha256(changed.encode()).hexdigest()[:6]
            number = len(changed.splitlines())
            files = 'file' if number == 1 else 'files'
            parts.append(f'{number} {files} changed since ({digest})')
    return ', '.join(parts) or UNKNOWN
