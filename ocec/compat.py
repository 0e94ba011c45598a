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


def check_torchvision() -> None:
    """Refuse a torchvision that does not fit the installed torch.

    A CPU wheel of torch beside the registry's torchvision, or two releases that were
    not built together, fail while torchvision is imported: ``operator
    torchvision::nms does not exist``. mmpretrain imports torchvision, so the user
    would see a missing model instead. Any torch and torchvision can be so mismatched;
    the test replaces torchvision by one that fails.

    Raises:
        ImportError: torchvision cannot be imported; the message holds the cause and
            the command that mends it.
    """
    try:
        import torchvision  # noqa: F401
    except Exception as error:  # RuntimeError, OSError or ImportError, by version
        cause = f'{type(error).__name__}: {error}'
        raise ImportError(
            f'torchvision cannot be imported beside this torch ({cause}). '
            'Mend it with\n'
            '  python -m pip install --force-reinstall torch torchvision'
        ) from error


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
