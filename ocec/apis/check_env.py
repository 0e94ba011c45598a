"""What is installed here, what this machine can do, and what is wrong with it."""

import os
import platform
import re
from dataclasses import dataclass, field
from importlib import metadata

from ocec.compat import check_engine_packages, check_torchvision

# what is shown -> distributions that provide it, the preferred one first
REQUIRED = {
    'torch': ('torch',),
    'torchvision': ('torchvision',),
    'mmengine': ('onedl-mmengine', 'mmengine', 'mmengine-lite'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite'),
    'mmpretrain': ('onedl-mmpretrain', 'mmpretrain'),
    'numpy': ('numpy',),
    'opencv': ('opencv-python', 'opencv-python-headless'),
    'pyarrow': ('pyarrow',),
}
EXTRAS = {
    'stacking': ('lightgbm', 'scikit-learn'),
    'search': ('optuna', 'scikit-learn'),
    'export': ('onnx', 'onnxruntime', 'onnxscript', 'onnxslim'),
    'video': ('av',),
    'report': ('plotly', 'jinja2'),
}
MIN_TORCH = (2, 6)


@dataclass
class EnvReport:
    """What was found.

    Args:
        facts: name and value, in the order to print.
        problems: what does not work, with the command that mends it.
        warnings: what may go wrong.
    """

    facts: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_env() -> EnvReport:
    """Look at packages, devices and backends.

    Returns:
        The report; problems is empty where a training can run.
    """
    report = EnvReport()
    report.facts += [
        ('python', platform.python_version()),
        ('platform', platform.platform()),
        ('cores', _cores()),
    ]
    _look_at_packages(report)
    for check in (check_engine_packages, check_torchvision):
        try:
            check()
        except ImportError as error:
            report.problems.append(str(error))
    if find_version('torch') is not None:
        _look_at_torch(report)
    return report


def format_env(report: EnvReport) -> str:
    """Return the report as text.

    Args:
        report: from ``check_env``.

    Returns:
        A line for each fact, then warnings and problems.
    """
    width = max((len(name) for name, _ in report.facts), default=0)
    lines = [f'{name:{width}}  {value}' for name, value in report.facts]
    lines += [f'warning: {text}' for text in report.warnings]
    lines += [f'problem: {text}' for text in report.problems]
    return '\n'.join(lines if report.problems else [*lines, 'no problem found'])


def find_version(*names: str) -> str | None:
    """Return ``version`` of the first distribution that is installed.

    Args:
        *names: distribution names.

    Returns:
        The version, with the name in front if it is not the preferred one; None
        where there is none.
    """
    for name in names:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        return version if name == names[0] else f'{name} {version}'
    return None


def _look_at_packages(report: EnvReport) -> None:
    for shown, names in REQUIRED.items():
        version = find_version(*names)
        report.facts.append((shown, version or 'missing'))
        if version is None:
            report.problems.append(
                f'{shown} is missing. Mend it with\n  python -m pip install {names[0]}'
            )
    for extra, names in EXTRAS.items():
        versions = {name: find_version(name) for name in names}
        value = ', '.join(f'{n} {v or "missing"}' for n, v in versions.items())
        if None in versions.values():
            value += f"  (python -m pip install '.[{extra}]')"
        report.facts.append((f'extra {extra}', value))
    if find_version('torchrun') is not None:
        report.warnings.append(
            "the package torchrun is not PyTorch's launcher and may hide it. "
            'Mend it with\n'
            '  python -m pip uninstall -y torchrun\n'
            '  python -m pip install --force-reinstall --no-deps torch'
        )


def _look_at_torch(report: EnvReport) -> None:
    try:
        import torch
    except Exception as error:  # a broken install raises OSError as well
        cause = f'{type(error).__name__}: {error}'
        report.problems.append(
            f'torch cannot be imported ({cause}). Mend it with\n'
            '  python -m pip install --force-reinstall torch torchvision'
        )
        return
    if _release(torch.__version__) < MIN_TORCH:
        needed = '.'.join(map(str, MIN_TORCH))
        report.problems.append(
            f'torch {torch.__version__} is older than {needed}. Mend it with\n'
            f"  python -m pip install --upgrade 'torch>={needed}' torchvision"
        )
    report.facts += [
        ('devices', ', '.join(_devices(torch))),
        ('backends', ', '.join(_backends(torch)) or 'none: one process only'),
        ('bfloat16', ', '.join(_bfloat16(torch))),
    ]


def _release(version: str) -> tuple[int, ...]:
    """Return (2, 15) of ``2.15.0+cpu``."""
    return tuple(int(number) for number in re.findall(r'\d+', version)[:2])


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else None
    return f'{usable or os.cpu_count()} usable of {os.cpu_count()}'


def _devices(torch) -> list[str]:
    names = ['cpu']
    for index in range(torch.cuda.device_count()):
        gib = torch.cuda.get_device_properties(index).total_memory / 2**30
        names.append(f'cuda:{index} {torch.cuda.get_device_name(index)} {gib:.0f} GiB')
    if torch.backends.mps.is_available():
        names.append('mps')
    return names


def _backends(torch) -> list[str]:
    if not torch.distributed.is_available():
        return []
    names = ('gloo', 'nccl')
    return [n for n in names if getattr(torch.distributed, f'is_{n}_available')()]


def _bfloat16(torch) -> list[str]:
    on_cpu = 'cpu native' if _has_native_bfloat16(torch) else 'cpu emulated (slow)'
    if not torch.cuda.is_available():
        return [on_cpu]
    return [on_cpu, 'cuda yes' if torch.cuda.is_bf16_supported() else 'cuda no']


def _has_native_bfloat16(torch) -> bool:
    # private names, which not every release has
    probes = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
