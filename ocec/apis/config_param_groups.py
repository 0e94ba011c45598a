"""Settings of parameter groups in a config: constructor, schedulers, unfreezing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config

from ocec.apis import config_tables as tables
from ocec.apis.config_findings import Finding, KeyPath
from ocec.apis.config_sites import DEFAULT_CONSTRUCTOR, Site
from ocec.apis.config_types import find_type
from ocec.engine.freeze_schedule import parse_steps
from ocec.engine.hooks import FreezeHook
from ocec.engine.optim import LayerWiseLR
from ocec.engine.optim.layer_wise_lr import DEFAULTS

PARAMWISE = ('optim_wrapper', 'paramwise_cfg')
# bounds that are rates, the same for every group, and what scales instead
ABSOLUTE_BOUNDS = {
    'eta_min': 'eta_min_ratio scales with the group',
    'min_value': 'a list has one for each group',
}
# schedulers whose highest rate is given in their own arguments
OWN_RATE = 'eta_max'


def loose_dicts(cfg: Config) -> dict[KeyPath, Sequence[str]]:
    """Return the known keys of dicts without a type.

    Args:
        cfg: the merged config.

    Returns:
        Path to keys; ``paramwise_cfg`` only where its constructor is known.
    """
    known = dict(tables.LOOSE_DICTS)
    constructor = _constructor(cfg)
    if constructor is LayerWiseLR:
        known[PARAMWISE] = tuple(DEFAULTS)
    elif constructor != DEFAULT_CONSTRUCTOR:
        del known[PARAMWISE]
    return known


def check_param_groups(
    cfg: Config, sites: Sequence[Site], targets: Mapping[KeyPath, Any]
) -> Iterator[Finding]:
    """Check what belongs to parameter groups.

    Args:
        cfg: the merged config.
        sites: the dicts whose classes are known.
        targets: path of a dict to its class.

    Yields:
        A constructor that does not exist, values it refuses, schedulers that undo the
        rates of the groups, steps of unfreezing that cannot be made.
    """
    optim_wrapper = cfg.get('optim_wrapper')
    optim_wrapper = optim_wrapper if isinstance(optim_wrapper, dict) else {}
    yield from _check_constructor(optim_wrapper, cfg.get('default_scope') or 'ocec')
    is_layer_wise = _constructor(cfg) is LayerWiseLR
    has_groups = is_layer_wise or bool(optim_wrapper.get('paramwise_cfg'))
    for site in sites:
        if is_layer_wise and site.place.registry == 'PARAM_SCHEDULERS':
            yield from _check_scheduler(site)
        if targets[site.path] is FreezeHook:
            yield from _check_freezing(site, has_groups)


def _constructor(cfg: Config) -> Any:
    """The class LayerWiseLR, or the name as written."""
    optim_wrapper = cfg.get('optim_wrapper')
    if not isinstance(optim_wrapper, dict):
        return DEFAULT_CONSTRUCTOR
    name = optim_wrapper.get('constructor', DEFAULT_CONSTRUCTOR)
    names = (LayerWiseLR, 'LayerWiseLR', 'ocec.LayerWiseLR')
    return LayerWiseLR if name in names else name


def _check_constructor(optim_wrapper: dict, scope: str) -> Iterator[Finding]:
    name = optim_wrapper.get('constructor', DEFAULT_CONSTRUCTOR)
    found = find_type(name, 'OPTIM_WRAPPER_CONSTRUCTORS', scope=scope)
    if found.target is None:
        path = ('optim_wrapper', 'constructor')
        yield Finding(path, str(found.problem), found.suggestion)
    if found.target is not LayerWiseLR:
        return
    known = {
        key: value
        for key, value in (optim_wrapper.get('paramwise_cfg') or {}).items()
        if key in DEFAULTS  # the others are found among the loose dicts
    }
    settings = {'optimizer': dict(optim_wrapper.get('optimizer') or {})}
    try:
        LayerWiseLR(settings, known)
    except ValueError as error:
        yield Finding(PARAMWISE, str(error))


def _check_scheduler(site: Site) -> Iterator[Finding]:
    if isinstance(site.cfg.get(OWN_RATE), (int, float)):
        yield Finding(
            (*site.path, OWN_RATE),
            'sets one rate for every group, so that LayerWiseLR has no effect; take '
            'another scheduler',
        )
    for name, advice in ABSOLUTE_BOUNDS.items():
        value = site.cfg.get(name)
        if isinstance(value, (int, float)) and value > 0:
            yield Finding(
                (*site.path, name),
                f'is the same rate for every group of LayerWiseLR; {advice}',
                is_note=True,
            )


def _check_freezing(site: Site, has_groups: bool) -> Iterator[Finding]:
    try:
        steps = parse_steps(site.cfg.get('unfreeze') or ())
    except (TypeError, ValueError) as error:
        yield Finding((*site.path, 'unfreeze'), str(error))
        return
    of_unfrozen = site.cfg.get('warmup_of', 'unfrozen') == 'unfrozen'
    if steps and site.cfg.get('warmup_epochs') and of_unfrozen and not has_groups:
        yield Finding(
            (*site.path, 'warmup_of'),
            "'unfrozen' needs parameter groups by stage; set "
            "optim_wrapper.constructor='LayerWiseLR', or warmup_of='all'",
        )
