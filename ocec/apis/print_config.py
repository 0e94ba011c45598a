"""Show the config that will run, and where its classes are."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config

from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_sites import iter_sites
from ocec.apis.config_types import find_type
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config


def print_config(
    config: str | Path, *, cfg_options: Sequence[str] = (), where: bool = False
) -> None:
    """Print the resolved config, or the place of every class in it.

    Args:
        config: the config file.
        cfg_options: ``KEY=VALUE`` texts; their effect is printed as comments.
        where: print ``key: type  file:line`` for each ``type`` instead.

    Raises:
        ConfigError: the file cannot be read or an option is malformed.
    """
    cfg = read_config(config)
    try:
        changes = apply_cfg_options(cfg, parse_cfg_options(cfg_options))
    except ValueError as error:
        raise ConfigError(f'{config}: {error}') from error
    for change in changes:
        print(f'# {change}')
    print('\n'.join(list_types(cfg)) if where else cfg.pretty_text)


def list_types(cfg: Config) -> list[str]:
    """Return ``key: type  file:line`` for everything that is built.

    Args:
        cfg: the merged config.

    Returns:
        One line each, in the order of the config; of a type that is not found, the
        problem.
    """
    lines = []
    scope = cfg.get('default_scope') or 'ocec'
    for site in iter_sites(cfg):
        if site.type is None:
            continue
        found = find_type(site.type, site.place.registry, scope=scope)
        place = found.problem if found.target is None else find_source(found.target)
        lines.append(f'{".".join(site.path)}: {site.type}  {place}')
    return lines


def find_source(target: Callable) -> str:
    """Return ``file:line`` of a class or function, its module if it has no file.

    Args:
        target: a class or function.

    Returns:
        The file relative to the current folder if it lies there.
    """
    try:
        file = Path(inspect.getsourcefile(target) or '').resolve()
        _, line = inspect.getsourcelines(target)
    except (OSError, TypeError):
        return str(getattr(target, '__module__', 'built in'))
    folder = Path.cwd()
    shown = file.relative_to(folder) if file.is_relative_to(folder) else file
    return f'{shown}:{line}'
