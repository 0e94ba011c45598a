"""Check a config before anything is built and any data is read.

mmengine accepts misspelt keys without a word and finds a wrong argument only when
that object is built, which for the test loader is after the training. Here all of it
is found at the start and reported at once.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.logging import print_log

from ocec.apis import config_tables as tables
from ocec.apis.config_arguments import Arguments, arguments_of
from ocec.apis.config_findings import Finding, KeyPath, format_findings
from ocec.apis.config_locations import ConfigLocations
from ocec.apis.config_monitors import check_monitors
from ocec.apis.config_param_groups import check_param_groups, loose_dicts
from ocec.apis.config_sites import ANY, Site, iter_sites
from ocec.apis.config_types import closest, find_type
from ocec.apis.config_variables import check_variables
from ocec.apis.errors import ConfigError

__all__ = ['Finding', 'check_config', 'ensure_config', 'format_findings']

# keys that mmengine takes out of every dict
MARKERS = ('type', '_scope_', '_delete_')


def ensure_config(cfg: Config, *, no_check: bool = False) -> list[Finding]:
    """Stop on a config with errors; log the notes of one without.

    Args:
        cfg: the merged config, command line options included.
        no_check: log the errors instead of stopping.

    Returns:
        The findings: notes, and with ``no_check`` errors too.

    Raises:
        ConfigError: there are errors; the message is the report of all of them.
    """
    findings = check_config(cfg)
    report = format_findings(findings)
    errors = [finding for finding in findings if not finding.is_note]
    if errors and not no_check:
        raise ConfigError(
            f'{cfg.filename or "the config"}: {_count(len(errors), "problem")}\n'
            f'{report}\n(--no-check goes on regardless)'
        )
    if findings:
        print_log(f'config check:\n{report}', 'current', logging.WARNING)
    return findings


def check_config(cfg: Config) -> list[Finding]:
    """Find everything in a config that mmengine would ignore or fail on later.

    Imports the classes that the config names; builds nothing and reads no data.

    Args:
        cfg: the merged config, command line options included.

    Returns:
        The findings with their places, in the order of the checks.
    """
    sites = list(iter_sites(cfg))
    scope = cfg.get('default_scope') or 'ocec'
    targets = {}
    findings = [*_check_top_level(cfg), *_check_hook_names(cfg)]
    for site in sites:
        findings += _check_site(site, scope, targets)
    findings += _check_train_loop(cfg)
    findings += _check_loose_dicts(cfg)
    findings += _check_dataloaders(cfg)
    known_sites = [site for site in sites if site.path in targets]
    findings += check_param_groups(cfg, known_sites, targets)
    findings += check_monitors(cfg, known_sites, targets)
    locations = ConfigLocations(cfg)
    findings += check_variables(cfg, locations)
    return [_with_place(finding, locations) for finding in dict.fromkeys(findings)]


def _with_place(finding: Finding, locations: ConfigLocations) -> Finding:
    location = locations.find(finding.path)
    return replace(finding, where='' if location is None else str(location))


def _check_top_level(cfg: Config) -> Iterator[Finding]:
    known = [*tables.top_level_keys(), *tables.HELPER_NAMES]
    # a config in the style `from x import Y` has Y among its keys
    imported = vars(cfg).get('_imported_names', ())
    for key in cfg:
        if key not in (*known, *imported) and not key.endswith(tables.HELPER_ENDINGS):
            suggestion = tables.OTHER_NAMES.get(key) or closest(key, known)
            yield Finding((key,), 'nothing reads this key', suggestion)
    if cfg.get('model') is None:
        yield Finding(('model',), 'is missing')
    if cfg.get('default_scope') is None:
        yield Finding(
            ('default_scope',),
            "is missing, so mmengine's classes are taken instead of ours; "
            "add default_scope = 'ocec'",
            is_note=True,
        )
    for partners in tables.PARTNERS:
        missing = [key for key in partners if cfg.get(key) is None]
        present = [key for key in partners if cfg.get(key) is not None]
        for key in missing if present else ():
            yield Finding((key,), f'is missing beside {" and ".join(present)}')


def _check_hook_names(cfg: Config) -> Iterator[Finding]:
    hooks = cfg.get('default_hooks')
    for name, hook in hooks.items() if isinstance(hooks, dict) else ():
        if name in tables.DEFAULT_HOOKS:
            continue
        suggestion = closest(name, tables.DEFAULT_HOOKS)
        # with a type it runs beside the default hooks, unless the name is a slip
        has_type = isinstance(hook, dict) and 'type' in hook
        problem = 'is no default hook; own hooks belong into custom_hooks'
        is_note = has_type and suggestion is None
        yield Finding(('default_hooks', name), problem, suggestion, is_note)


def _check_site(site: Site, scope: str, targets: dict) -> Iterator[Finding]:
    """Check type and arguments; the class found is noted in ``targets``."""
    uncertain = not site.place.is_certain
    if site.type is None:
        if site.path[0] != 'default_hooks' or site.path[-1] in tables.DEFAULT_HOOKS:
            yield Finding((*site.path, 'type'), 'is missing')
        return
    scope = site.cfg.get('_scope_') or scope
    found = find_type(site.type, site.place.registry, scope=scope)
    if found.target is None:
        path = (*site.path, 'type')
        yield Finding(path, str(found.problem), found.suggestion, uncertain)
        return
    targets[site.path] = found.target
    arguments = arguments_of(found.target)
    ema_type = site.cfg.get('ema_type', arguments.defaults.get('ema_type'))
    if _is_ema_hook(found.target) and isinstance(ema_type, str):
        found_ema = find_type(ema_type, 'MODELS', scope=scope)
        if found_ema.target is None:
            path = (*site.path, 'ema_type')
            yield Finding(path, str(found_ema.problem), found_ema.suggestion)
            return
        arguments = _with_average(arguments, arguments_of(found_ema.target))
    name = getattr(found.target, '__name__', str(site.type))
    yield from _check_unknown(site, name, arguments)
    if not uncertain and ANY not in site.place.injected:
        yield from _check_missing(site, name, arguments)


def _is_ema_hook(target: Any) -> bool:
    return isinstance(target, type) and issubclass(target, EMAHook)


def _with_average(hook: Arguments, average: Arguments) -> Arguments:
    """Add the arguments of the averaged model that EMAHook passes on."""
    passed_on = {k: v for k, v in average.defaults.items() if k != 'model'}
    return Arguments(passed_on | hook.defaults, average.is_open)


def _check_unknown(site: Site, name: str, arguments: Arguments) -> Iterator[Finding]:
    allowed = {*arguments.names, *site.place.extra, *site.place.injected, *MARKERS}
    unknown = [str(key) for key in site.cfg if key not in allowed]
    candidates = [n for n in arguments.names if n not in site.place.injected]
    if arguments.is_open and unknown:
        problem = f'{name} takes **kwargs: {", ".join(unknown)} cannot be checked'
        yield Finding(site.path, problem, is_note=True)
        return
    for key in unknown:
        suggestion = closest(key, [*candidates, *site.place.extra])
        problem = f'{name} takes no such argument'
        if suggestion is None:
            problem += f', only {", ".join(candidates) or "none"}'
        is_note = not site.place.is_certain
        yield Finding((*site.path, key), problem, suggestion, is_note)


def _check_missing(site: Site, name: str, arguments: Arguments) -> Iterator[Finding]:
    for argument in arguments.required:
        if argument not in site.cfg and argument not in site.place.injected:
            yield Finding((*site.path, argument), f'is missing, {name} needs it')


def _check_train_loop(cfg: Config) -> Iterator[Finding]:
    loop = cfg.get('train_cfg')
    path = ('train_cfg', 'by_epoch')
    if not isinstance(loop, dict):
        return
    if 'type' in loop and 'by_epoch' in loop:
        yield Finding(path, 'type and by_epoch exclude each other')
    if 'type' not in loop and 'by_epoch' not in loop:
        yield Finding(path, 'is missing, or type')


def _check_loose_dicts(cfg: Config) -> Iterator[Finding]:
    for pattern, known in loose_dicts(cfg).items():
        for path, value in _matches(cfg._cfg_dict, pattern, ()):
            yield from _check_keys(path, value, known)
    for path, value in _matches(cfg._cfg_dict, tables.PARAM_GROUPS, ()):
        for finding in _check_keys(path, value, tables.PARAM_GROUP_KEYS):
            if finding.suggestion:
                yield finding


def _matches(
    node: Any, pattern: KeyPath, path: KeyPath
) -> Iterator[tuple[KeyPath, dict]]:
    """Yield the dicts whose path fits the pattern."""
    if not isinstance(node, dict):
        return
    if not pattern:
        yield path, node
        return
    for key in node if pattern[0] == ANY else [pattern[0]]:
        yield from _matches(node.get(key), pattern[1:], (*path, key))


def _check_keys(path: KeyPath, value: dict, known: Any) -> Iterator[Finding]:
    for key in value:
        if key not in known and key not in MARKERS:
            suggestion = closest(str(key), known)
            problem = f'{".".join(path)} has no such key'
            if suggestion is None:
                problem += f', only {", ".join(known)}'
            yield Finding((*path, str(key)), problem, suggestion)


def _check_dataloaders(cfg: Config) -> Iterator[Finding]:
    known = tables.dataloader_keys()
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(name)
        if not isinstance(loader, dict):
            continue
        yield from _check_keys((name,), loader, known)
        if loader.get('dataset') is None:
            yield Finding((name, 'dataset'), 'is missing')
        if loader.get('sampler') is None and loader.get('batch_sampler') is None:
            problem = 'is missing, so each rank would read everything in file order'
            yield Finding((name, 'sampler'), problem)
        if loader.get('batch_size') is None and loader.get('batch_sampler') is None:
            yield Finding((name, 'batch_size'), 'is missing, so it is 1', is_note=True)


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}{"s" * (number != 1)}'
