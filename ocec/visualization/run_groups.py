"""Runs of one config with other seeds belong together."""

# N points of a curve, R runs

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ocec.visualization.run_log import RunLog
from ocec.visualization.run_records import Curve

OF_ONE_RUN = ('randomness.seed', 'seed', 'work_dir', 'resume', 'launcher')
"""Settings that may differ within a group."""

SEED = re.compile(r'([-_. ]+(seed|s)?[-_. ]*|seed)\d+$')
COORDINATES = ('epoch_N', 'step_N', 'minutes_N', 'value_N')


@dataclass(frozen=True)
class RunGroup:
    """Runs of the same config and data.

    Args:
        name: to show.
        runs: their indices.
        messages: what the user should know.
    """

    name: str
    runs: tuple[int, ...]
    messages: tuple[str, ...] = ()


def group_runs(runs: Sequence[RunLog]) -> list[RunGroup]:
    """Group runs whose configs agree but for the seed, on the same data.

    Args:
        runs: to compare; one without a config stands alone.

    Returns:
        Groups in the order of their first runs; every run is in one.
    """
    members: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        members.setdefault(_key_of(run, index), []).append(index)
    groups = []
    names = Counter()
    for indices in members.values():
        name = _common_name([runs[index].name for index in indices])
        names[name] += 1
        if names[name] > 1:
            name = f'{name} #{names[name]}'
        seeds = Counter(runs[i].seed for i in indices if runs[i].seed is not None)
        repeated = [str(seed) for seed, count in seeds.items() if count > 1]
        messages = ()
        if repeated:
            messages = (
                f'{name}: seed {", ".join(repeated)} ran more than once, so the band '
                'is narrower than that of as many seeds',
            )
        groups.append(RunGroup(name, tuple(indices), messages))
    return groups


def find_config_differences(
    settings: Mapping[str, Mapping[str, object]],
) -> dict[str, list]:
    """Return the settings in which runs differ.

    Args:
        settings: name of a run to its dotted settings; runs without any are left out.

    Returns:
        Dotted name to the value in each run, None where it has none; sorted by name.
    """
    known = [found for found in settings.values() if found]
    names = sorted({name for found in known for name in found})
    table = {name: [found.get(name) for found in known] for name in names}
    return {
        name: values
        for name, values in table.items()
        if len({json.dumps(value) for value in values}) > 1
    }


def mean_curve(curves: Sequence[Curve]) -> tuple[Curve, np.ndarray]:
    """Average one quantity over runs, at the steps that all of them have.

    Args:
        curves: one of each run; matched by step, or by epoch where steps are unknown.

    Returns:
        The mean, and (N,) the standard deviation (R - 1 in the denominator; 0 for
        one run).
    """
    places = [c.step_N if np.isfinite(c.step_N).all() else c.epoch_N for c in curves]
    common = places[0]
    for place in places[1:]:
        common = np.intersect1d(common, place)
    rows = [
        [getattr(curve, name)[np.searchsorted(place, common)] for name in COORDINATES]
        for curve, place in zip(curves, places, strict=True)
    ]
    table_RCN = np.array(rows)
    spread_N = np.zeros(len(common))
    if len(curves) > 1:
        spread_N = table_RCN[:, 3].std(axis=0, ddof=1)
    return Curve(*table_RCN.mean(axis=0), curves[0].logged_as), spread_N


def mean_and_spread(
    values: Sequence[float | None],
) -> tuple[float | None, float | None]:
    """Average a number over runs.

    Args:
        values: one of each run, None where unknown.

    Returns:
        Mean of the known ones, None without any; their standard deviation (R - 1 in
        the denominator), None for less than two.
    """
    known = [value for value in values if value is not None]
    if not known:
        return None, None
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return mean, None
    squares = math.fsum((value - mean) ** 2 for value in known)
    return mean, math.sqrt(squares / (len(known) - 1))


def _key_of(run: RunLog, index: int) -> str:
    if not run.settings:
        return f'alone {index}'
    settings = {k: v for k, v in run.settings.items() if k not in OF_ONE_RUN}
    data = [run.facts.get(fact) for fact in ('train set', 'val set')]
    return json.dumps([settings, data], sort_keys=True)


def _common_name(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    stems = Counter(SEED.sub('', name) for name in names)
    [(stem, count)] = stems.most_common(1)
    return stem if count > 1 and stem else f'{names[0]} and {len(names) - 1} more'
