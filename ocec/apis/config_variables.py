"""Parts of a config that have no effect: leftover markers, unused variables."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from ocec.apis.cfg_options import DELETE_KEY
from ocec.apis.config_findings import Finding, KeyPath
from ocec.apis.config_locations import ConfigLocations

LOADERS = ('train', 'val', 'test')


def check_variables(cfg: Config, locations: ConfigLocations) -> Iterator[Finding]:
    """Find what changes nothing.

    A variable that a base file left behind is no mistake; one that this config or
    the command line sets without effect is.

    Args:
        cfg: the merged config.
        locations: where its keys come from.

    Yields:
        ``_delete_`` that mmengine did not use up, and helper variables whose value
        nothing that is built holds.
    """
    for path, node in _dicts(cfg._cfg_dict, ()):
        if DELETE_KEY in node:
            yield Finding(
                (*path, DELETE_KEY), 'is left over: there was nothing to delete'
            )
    built = {key: value for key, value in cfg._cfg_dict.items() if not _is_helper(key)}
    for finding in _check_pipelines(cfg):
        loader = f'{finding.path[0].removesuffix("_pipeline")}_dataloader'
        if not (
            locations.is_inherited(finding.path)
            or locations.is_from_command_line((loader, 'dataset'))
        ):
            yield finding
    for finding in _check_values(cfg, built):
        if not _is_replaced(finding.path, locations):
            yield finding


def _is_replaced(path: KeyPath, locations: ConfigLocations) -> bool:
    """Whether a base file left the variable, or --data took its place.

    One file that sets the variable and the loaders used it there.
    """
    if locations.is_inherited(path):
        return True
    here = locations.find(path)
    loaders = [locations.find((f'{name}_dataloader', 'dataset')) for name in LOADERS]
    return here is not None and here.file in [p.file for p in loaders if p is not None]


def _is_helper(key: str) -> bool:
    is_pipeline = key.endswith('_pipeline') and key != 'tta_pipeline'
    is_variable = key in ('data_root', 'dataset_type') or key.endswith('_norm_cfg')
    return is_pipeline or is_variable


def _check_pipelines(cfg: Config) -> Iterator[Finding]:
    for name in LOADERS:
        key = f'{name}_pipeline'
        loader = cfg.get(f'{name}_dataloader')
        if key not in cfg or not isinstance(loader, dict):
            continue
        found = [
            node['pipeline']
            for _, node in _dicts(loader.get('dataset'), ())
            if 'pipeline' in node
        ]
        if cfg[key] not in found:
            used = f'{name}_dataloader.dataset'
            problem = f'differs from {used}.pipeline' if found else f'{used} has none'
            yield Finding((key,), f'{problem}, so it has no effect')


def _check_values(cfg: Config, built: dict) -> Iterator[Finding]:
    data_root = cfg.get('data_root')
    if isinstance(data_root, str) and not any(data_root in t for t in _texts(built)):
        problem = f'no path holds {data_root!r}, so it has no effect'
        yield Finding(('data_root',), problem)
    types = [node.get('type') for _, node in _dicts(built, ())]
    if 'dataset_type' in cfg and cfg.dataset_type not in types:
        problem = f'no dataset has the type {cfg.dataset_type}, so it has no effect'
        yield Finding(('dataset_type',), problem)
    for key in cfg:
        value = cfg[key]
        if not key.endswith('_norm_cfg') or not isinstance(value, dict):
            continue
        if not any(_holds(node, value) for _, node in _dicts(built, ())):
            yield Finding((key,), 'no dict holds these values, so it has no effect')


def _holds(node: dict, part: dict) -> bool:
    return all(key in node and node[key] == value for key, value in part.items())


def _dicts(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, dict]]:
    """Yield every dict below a node, itself included."""
    if isinstance(node, dict):
        yield path, node
        items = node.items()
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    else:
        return
    for key, item in items:
        yield from _dicts(item, (*path, str(key)))


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for item in node.values():
            yield from _texts(item)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _texts(item)
