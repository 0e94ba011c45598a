"""The figures of a benchmark as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ocec.apis.benchmark_growth import time_per_image_ratio

NAMES = {
    'ours': 'ocec',
    'resident': 'pure compute: one resident batch',
    'resident_augmented': 'one resident batch, augmented at every step',
    'mmpretrain': 'stock mmpretrain',
    'plain': 'plain DataLoader loop',
    'plain_amp': 'plain DataLoader loop, bfloat16, channels-last',
    'read_ours': 'ocec, reading and augmentation only, one core',
    'read_mmpretrain': 'mmpretrain, reading and augmentation only, one core',
}
# what a ratio should reach on a CPU and on a GPU; None: no target
TARGETS = {
    ('ours', 'mmpretrain'): (5.0, None),
    ('ours', 'plain'): (3.5, 20.0),
    ('ours', 'plain_amp'): (None, None),
    ('ours', 'resident'): (0.95, 0.95),
    ('ours', 'resident_augmented'): (None, None),
    ('read_ours', 'read_mmpretrain'): (15.0, None),
}
MAX_HOOK_SHARE = 0.02
MIN_VALIDATION = 0.9
MIN_RANKS = 0.85
MIN_DECODING = 0.9
OURS_COLOR, OTHER_COLOR = '#1f4e79', '#9fb8d0'


class Ratio(NamedTuple):
    """One comparison.

    Args:
        what: what is compared.
        value: median over the turns.
        low: least of the turns.
        high: greatest of the turns.
        target: what it should reach, as text; empty where there is no target.
        is_met: None where there is no target.
    """

    what: str
    value: float
    low: float
    high: float
    target: str
    is_met: bool | None


def list_ratios(found: dict[str, Any]) -> list[Ratio]:
    """Compare what was measured.

    Args:
        found: of :func:`ocec.apis.benchmark.benchmark`.

    Returns:
        The ratios, those of whole trainings first.
    """
    ratios = []
    if 'peers' in found:
        rates = found['peers']['images_per_second']
        place = 1 if found['device'] == 'cuda' else 0
        for (ours, other), targets in TARGETS.items():
            what = f'{NAMES[ours]} / {NAMES[other]}'
            turns = np.divide(rates[ours], rates[other])
            ratios.append(_ratio(what, turns, at_least=targets[place]))
    if 'ranks' in found:
        rates = found['ranks']['images_per_second']
        what = f'{found["ranks"]["num_ranks"]} ranks of one thread / one process'
        turns = np.divide(rates['ranks of one thread'], rates['one process'])
        ratios.append(_ratio(what, turns, at_least=MIN_RANKS))
    if 'stages' in found:
        ratios += _stage_ratios(found['stages'])
    return ratios


def format_benchmark(found: dict[str, Any]) -> str:
    """Write a benchmark as Markdown.

    Args:
        found: of :func:`ocec.apis.benchmark.benchmark`.

    Returns:
        The text; ratios first.
    """
    machine = ', '.join(f'{name} {value}' for name, value in found['machine'].items())
    lines = [f'Measured on: {machine}.', f'Config: {found["config"]}.', '']
    ratios = list_ratios(found)
    if ratios:
        lines += ['| ratio | median | lowest, highest | target |', '|---|---|---|---|']
        lines += [_ratio_row(ratio) for ratio in ratios] + ['']
    for part, write in (
        ('peers', _peer_rows),
        ('stages', _stage_rows),
        ('quality', _quality_rows),
        ('growth', _growth_rows),
    ):
        if part in found:
            lines += [*write(found[part]), '']
    return '\n'.join(lines).rstrip()


def draw_benchmark(found: dict[str, Any], path: Path) -> None:
    """Draw who trains how fast, what a step consists of, quality over time, growth.

    Args:
        found: of :func:`ocec.apis.benchmark.benchmark`.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawings = {
        'peers': _draw_peers,
        'stages': _draw_stages,
        'quality': _draw_quality,
        'growth': _draw_growth,
    }
    parts = [part for part in drawings if part in found]
    if not parts:
        return
    rows = (len(parts) + 1) // 2
    figure = Figure(figsize=(14, 4.6 * rows), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    for place, part in enumerate(parts, start=1):
        drawings[part](figure.add_subplot(rows, min(2, len(parts)), place), found[part])
    figure.savefig(path)


def _ratio(what: str, turns: np.ndarray, *, at_least: float | None) -> Ratio:
    value = float(np.median(turns))
    return Ratio(
        what,
        value,
        float(np.min(turns)),
        float(np.max(turns)),
        '' if at_least is None else f'>= {at_least:g}',
        None if at_least is None else value >= at_least,
    )


def _stage_ratios(stages: dict) -> list[Ratio]:
    run, validation = stages['run'], stages['validation']
    share = run['hooks and logging']['ms'] / run['step of a run']['ms']
    decoding = stages['decoding']
    return [
        Ratio(
            'hooks and logging, share of a step',
            share,
            share,
            share,
            f'< {MAX_HOOK_SHARE:g}',
            share < MAX_HOOK_SHARE,
        ),
        Ratio(
            'validation / forward pass alone',
            validation['ratio'],
            validation['ratio_low'],
            validation['ratio_high'],
            f'>= {MIN_VALIDATION:g}',
            validation['ratio'] >= MIN_VALIDATION,
        ),
        _ratio(
            'building the cache on one core / bare loop of OpenCV',
            np.array([decoding['ratio']]),
            at_least=MIN_DECODING,
        ),
        _ratio(
            f'building the cache on {decoding["cores"]} cores, per core / bare loop',
            np.array([decoding['ratio_on_all_cores']]),
            at_least=None,
        ),
    ]


def _ratio_row(ratio: Ratio) -> str:
    verdict = {None: '', True: ', met', False: ', **not met**'}[ratio.is_met]
    return (
        f'| {ratio.what} | {ratio.value:.3g} | {ratio.low:.3g}, {ratio.high:.3g} '
        f'| {ratio.target}{verdict} |'
    )


def _peer_rows(peers: dict) -> list[str]:
    rows = [
        '| who | images/s | lowest, highest | peak memory, MB |',
        '|---|---|---|---|',
    ]
    for name, rates in peers['images_per_second'].items():
        rows.append(
            f'| {NAMES[name]} | {np.median(rates):,.0f} | {min(rates):,.0f}, '
            f'{max(rates):,.0f} | {_megabytes(peers["peak_mb"].get(name))} |'
        )
    return rows


def _stage_rows(stages: dict) -> list[str]:
    step = stages['step']
    total = sum(figures['ms'] for figures in step.values())
    rows = [
        '| stage of a step | ms | quartiles | share | peak memory, MB |',
        '|---|---|---|---|---|',
    ]
    for name, figures in step.items():
        rows.append(
            f'| {name} | {figures["ms"]:.2f} | {figures["low"]:.2f}, '
            f'{figures["high"]:.2f} | {figures["ms"] / total:.1%} '
            f'| {_megabytes(figures.get("peak_mb"))} |'
        )
    rows.append(f'| sum | {total:.2f} | | 100.0% | |')
    rows += ['', '| around the steps | ms |', '|---|---|']
    rows += [f'| {name} | {f["ms"]:.2f} |' for name, f in stages['run'].items()]
    validation, decoding = stages['validation'], stages['decoding']
    rows += [
        '',
        f'Validation: {validation["images_per_second"]:,.0f} images/s; the forward '
        f'pass alone {validation["forward_images_per_second"]:,.0f}. Cache: '
        f'{decoding["pictures_per_second_on_one_core"]:,.0f} pictures/s on one core, '
        f'{decoding["pictures_per_second_and_core_on_all"]:,.0f} a core on all; a bare '
        f'loop of OpenCV {decoding["bare_loop_per_second"]:,.0f}.',
    ]
    return rows


def _quality_rows(quality: dict) -> list[str]:
    rows = [
        f'| seconds to val F1 {quality["target_f1"]:g} | seconds | epochs | F1 |',
        '|---|---|---|---|',
    ]
    for name in ('ours', 'plain'):
        seconds, f1 = quality[name][-1]
        reached = f1 >= quality['target_f1']
        text = f'{seconds:.1f}' if reached else f'not within {seconds:.0f}'
        rows.append(f'| {NAMES[name]} | {text} | {len(quality[name])} | {f1:.3f} |')
    return rows


def _growth_rows(growth: list[dict]) -> list[str]:
    rows = [
        '| images | processes | table and cache, s | epoch, s | images/s '
        '| peak memory of a process, MB |',
        '|---|---|---|---|---|---|',
    ]
    for entry in growth:
        rows.append(_growth_row(entry['images'], '1', entry))
        if 'ranks' in entry:  # they find the cache there
            number = f'{entry["ranks"]["num_ranks"]} ranks of one thread'
            rows.append(_growth_row(entry['images'], number, entry['ranks']))
    if len(growth) > 1:
        rows += [
            '',
            'Time per image, the largest set / the smallest: '
            f'{time_per_image_ratio(growth):.2f}.',
        ]
    return rows


def _growth_row(images: int, processes: str, figures: dict) -> str:
    build = figures.get('build_seconds')
    return (
        f'| {images:,} | {processes} | {"" if build is None else f"{build:.1f}"} '
        f'| {figures["epoch_seconds"]:.1f} '
        f'| {images / figures["epoch_seconds"]:,.0f} '
        f'| {_megabytes(figures["peak_mb"])} |'
    )


def _megabytes(peak_mb: float | None) -> str:
    """Write a peak; empty where the system does not tell."""
    return '' if peak_mb is None else f'{peak_mb:,.0f}'


def _draw_peers(axes, peers: dict) -> None:
    rates = peers['images_per_second']
    names = [name for name in rates if not name.startswith('read')]
    medians = [np.median(rates[name]) for name in names]
    spread = [
        [m - min(rates[n]) for n, m in zip(names, medians, strict=True)],
        [max(rates[n]) - m for n, m in zip(names, medians, strict=True)],
    ]
    colors = [OURS_COLOR if name == 'ours' else OTHER_COLOR for name in names]
    labels = [NAMES[name].replace(', ', ',\n').replace(': ', ':\n') for name in names]
    axes.barh(labels[::-1], medians[::-1], color=colors[::-1])
    axes.errorbar(
        medians[::-1], labels[::-1], xerr=np.array(spread)[:, ::-1], fmt='none', c='k'
    )
    axes.set(title='training', xlabel='images/s (bars: lowest to highest turn)')


def _draw_stages(axes, stages: dict) -> None:
    step = stages['step']
    names = list(step)[::-1]
    axes.barh(names, [step[name]['ms'] for name in names], color=OURS_COLOR)
    axes.set(title='stages of a training step', xlabel='ms (median)')


def _draw_quality(axes, quality: dict) -> None:
    for name, color in (('ours', OURS_COLOR), ('plain', OTHER_COLOR)):
        seconds, f1 = np.array(quality[name]).T
        axes.plot(seconds, f1, 'o-', color=color, label=NAMES[name])
    axes.axhline(quality['target_f1'], color='k', linewidth=0.8, linestyle=':')
    axes.set(title='wall-clock to quality', xlabel='seconds', ylabel='validation F1')
    axes.legend()


def _draw_growth(axes, growth: list[dict]) -> None:
    images = [entry['images'] for entry in growth]
    seconds = [entry['epoch_seconds'] for entry in growth]
    axes.plot(images, seconds, 'o-', color=OURS_COLOR, label='epoch, s')
    axes.set(title='growth', xlabel='images', ylabel='seconds per epoch')
    axes.set(ylim=(0, 1.15 * max(seconds)))
    axes.legend(loc='upper left')
    peaks = [entry['peak_mb'] for entry in growth]
    if None in peaks:
        return
    memory = axes.twinx()
    memory.plot(images, peaks, 's--', color=OTHER_COLOR, label='peak memory, MB')
    memory.set(ylabel='MB', ylim=(0, 1.15 * max(peaks)))
    memory.legend(loc='lower right')
