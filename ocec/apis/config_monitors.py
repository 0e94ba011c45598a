"""Metric names that a config monitors: do they exist, and is the rule the right one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from ocec.apis.config_arguments import arguments_of
from ocec.apis.config_findings import Finding, KeyPath
from ocec.apis.config_sites import METRIC, Site
from ocec.apis.config_types import closest
from ocec.engine.metric_rule import RULES, rule_of

# arguments of hooks and schedulers that name a metric
MONITORING_ARGUMENTS = ('save_best', 'monitor')
# CheckpointHook takes whatever metric comes first
AUTO = 'auto'


@dataclass(frozen=True)
class _Monitor:
    """One use of a metric name."""

    path: KeyPath
    metric: str
    rule: str | None
    owner: str


def check_monitors(
    cfg: Config, sites: Sequence[Site], targets: Mapping[KeyPath, Any]
) -> Iterator[Finding]:
    """Check the metric names in ``save_best`` and ``monitor`` against the metrics.

    Metric classes of this toolbox list what they produce in ``metric_names``.

    Args:
        cfg: the merged config.
        sites: the dicts whose classes are known.
        targets: path of a dict to its class.

    Yields:
        Names that no metric of ``val_evaluator`` produces, rules against the sense
        of a metric, and monitors without validation.
    """
    monitors = [
        monitor
        for site in sites
        for monitor in _monitors(site, targets[site.path])
        if monitor.metric != AUTO
    ]
    if not monitors:
        return
    if cfg.get('val_evaluator') is None or cfg.get('val_cfg') is None:
        yield from (
            Finding(m.path, f'{m.metric} is monitored without validation', is_note=True)
            for m in monitors
        )
        return
    yield from _check_rules(monitors)
    yield from _check_names(monitors, sites, targets)


def _monitors(site: Site, target: Any) -> Iterator[_Monitor]:
    if site.place.registry not in ('HOOKS', 'PARAM_SCHEDULERS'):
        return
    defaults = arguments_of(target).defaults
    rules = site.cfg.get('rule', defaults.get('rule'))
    for argument in MONITORING_ARGUMENTS:
        names = site.cfg.get(argument, defaults.get(argument))
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list | tuple):
            continue
        for index, name in enumerate(names):
            rule = rules
            if isinstance(rules, list | tuple):
                rule = rules[index] if index < len(rules) else None
            path = (*site.path, argument)
            owner = getattr(target, '__name__', str(site.type))
            yield _Monitor(path, str(name), rule, owner)
    yield from _step_monitors(site)


def _step_monitors(site: Site) -> Iterator[_Monitor]:
    """Metrics that the steps of a FreezeHook wait for."""
    steps = site.cfg.get('unfreeze')
    for index, step in enumerate(steps if isinstance(steps, list | tuple) else ()):
        if isinstance(step, dict) and isinstance(step.get('monitor'), str):
            path = (*site.path, 'unfreeze', str(index), 'monitor')
            yield _Monitor(path, step['monitor'], step.get('rule'), str(site.type))


def _check_rules(monitors: Sequence[_Monitor]) -> Iterator[Finding]:
    for monitor in monitors:
        right = rule_of(monitor.metric)
        if monitor.rule in RULES and monitor.rule != right:
            yield Finding(
                (*monitor.path[:-1], 'rule'),
                f'{monitor.rule!r} contradicts {monitor.metric}, of which '
                f'{right} is better',
                repr(right),
            )


def _check_names(
    monitors: Sequence[_Monitor], sites: Sequence[Site], targets: Mapping[KeyPath, Any]
) -> Iterator[Finding]:
    produced: list[str] = []
    for site in sites:
        if site.path[0] != 'val_evaluator' or site.place != METRIC:
            continue
        target = targets[site.path]
        names = getattr(target, 'metric_names', None)
        if names is None:
            yield Finding(
                site.path,
                f'{site.type} does not list its metric_names, so '
                f'{", ".join(sorted({m.metric for m in monitors}))} is not checked',
                is_note=True,
            )
            return
        if hasattr(target, 'list_metrics'):  # they follow from its settings
            produced += target.list_metrics(site.cfg)
            continue
        prefix = site.cfg.get('prefix') or getattr(target, 'default_prefix', None)
        produced += [f'{prefix}/{name}' if prefix else name for name in names]
    for monitor in monitors:
        if monitor.metric not in produced:
            yield Finding(
                monitor.path,
                f'{monitor.metric} is not a metric of val_evaluator, which has '
                f'{", ".join(produced)}',
                _closest_metric(monitor.metric, produced),
            )


def _closest_metric(name: str, produced: Sequence[str]) -> str | None:
    """Return the metric meant, also when only the part after the slash is given."""
    by_last = {metric.rsplit('/', 1)[-1]: metric for metric in produced}
    last = closest(name.rsplit('/', 1)[-1], by_last)
    return by_last[last] if last else closest(name, produced)
