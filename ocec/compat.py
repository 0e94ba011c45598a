"""Workarounds for upstream faults and broken installs, one function each.

Each docstring says what fails, in which versions, and which test fails once the
fault is repaired upstream, so that the workaround can go.
"""

from importlib import metadata

# import name -> (original distribution names, maintained continuation)
ENGINE_PACKAGES = {
    'mmengine': (('mmengine', 'mmengine-lite'), 'onedl-mmengine'),
    'mmcv': (('mmcv', 'mmcv-lite', 'mmcv-full'), 'onedl-mmcv'),
    'mmpretrain': (('mmpretrain', 'mmcls'), 'onedl-mmpretrain'),
}


def check_engine_packages() -> None:
    """Refuse an environment in which two packages own the same files.

    ``mmengine`` and ``onedl-mmengine`` install into one folder. pip does not
    notice, the later one overwrites the earlier one, and uninstalling one breaks
    both. Reads package metadata only, imports nothing heavy.

    Raises:
        ImportError: an original and its continuation are both installed; the
            message holds the commands that mend it.
    """
    clashes = []
    for originals, continuation in ENGINE_PACKAGES.values():
        if not _is_installed(continuation):
            continue
        clashes += [(name, continuation) for name in originals if _is_installed(name)]
    if not clashes:
        return
    pairs = ', '.join(f'{old} and {new}' for old, new in clashes)
    names = ' '.join(name for pair in clashes for name in pair)
    keep = ' '.join(sorted({new for _, new in clashes}))
    raise ImportError(
        f'two packages own the same files: {pairs}. Mend it with\n'
        f'  python -m pip uninstall -y {names}\n'
        f'  python -m pip install {keep}'
    )


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
