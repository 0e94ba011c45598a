"""Every dict of a config that mmengine will build, and the registry it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mmengine.config import Config

KeyPath = tuple[str, ...]
ANY = '*'


@dataclass(frozen=True)
class Place:
    """What is known of the dicts at one place.

    Args:
        registry: name of the registry that builds them.
        injected: arguments that the builder fills in.
        extra: keys that the builder takes out before it calls the class.
        default_type: class that is built when there is no ``type``.
        children: key to place of the dicts below it; ``*`` for all other keys.
        is_certain: whether a dict here is surely built by calling its type with
            its other keys; else only what it takes beyond doubt is checked.
    """

    registry: str
    injected: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    default_type: str | None = None
    children: dict[str, 'Place'] = field(default_factory=dict, compare=False)
    is_certain: bool = True


@dataclass(frozen=True)
class Site:
    """One dict that will be built.

    Args:
        path: where it stands.
        cfg: the dict.
        place: what is known of it.
    """

    path: KeyPath
    cfg: dict
    place: Place

    @property
    def type(self) -> Any:
        """The type as written, or the default one; None when there is none."""
        return self.cfg.get('type') or self.place.default_type


def iter_sites(cfg: Config) -> Iterator[Site]:
    """Walk over everything that is built from the config.

    Args:
        cfg: the merged config.

    Yields:
        The dicts in the order of the data flow, parents before children.
    """
    uses_zoo = _uses_zoo(cfg)
    for key, value in cfg._cfg_dict.items():
        if key.endswith('_dataloader') and isinstance(value, dict):
            for name, place in DATALOADER.items():
                yield from _walk(value.get(name), (key, name), place)
        elif key in NAMED and isinstance(value, dict) and 'type' not in value:
            for name, item in value.items():
                yield from _walk(item, (key, name), TOP_LEVEL[key])
        else:
            place = _top_level_place(key, value, uses_zoo)
            yield from () if place is None else _walk(value, (key,), place)


def _walk(value: Any, path: KeyPath, place: Place) -> Iterator[Site]:
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, str(index)), place)
    if not isinstance(value, dict):
        return
    if 'type' in value or place.is_certain:
        yield Site(path, value, place)
    children = place.children
    for key, item in value.items():
        child = children.get(key, children.get(ANY))
        if child is not None:
            yield from _walk(item, (*path, str(key)), child)


def _uses_zoo(cfg: Config) -> bool:
    """Whether mmpretrain's classifier is built: its preprocessor needs no type."""
    model = cfg.get('model')
    model_type = model.get('type') if isinstance(model, dict) else None
    names = (str(cfg.get('default_scope')), str(model_type))
    return any(name.split('.')[0] == 'mmpretrain' for name in names)


def _top_level_place(key: str, value: Any, uses_zoo: bool) -> Place | None:
    if not isinstance(value, dict):
        return TOP_LEVEL.get(key)
    if key == 'train_cfg' and not value.get('by_epoch', True):
        return ITERATION_LOOP
    if key == 'optim_wrapper':
        # a constructor of its own may read any other key
        constructor = value.get('constructor', DEFAULT_CONSTRUCTOR)
        is_certain = constructor in (DEFAULT_CONSTRUCTOR, 'LayerWiseLR')
        return replace(OPTIM_WRAPPER, is_certain=is_certain)
    if key == 'model' and uses_zoo:
        children = {**MODEL.children, 'data_preprocessor': ZOO_PREPROCESSOR}
        return replace(MODEL, children=children)
    if key == 'data_preprocessor' and uses_zoo:
        return ZOO_PREPROCESSOR
    if key.endswith('_evaluator') and 'metrics' in value:
        return EVALUATOR
    return TOP_LEVEL.get(key)


DEFAULT_CONSTRUCTOR = 'DefaultOptimWrapperConstructor'

# layers get their widths from the module that holds them
LAYER = Place('MODELS', is_certain=False, extra=frozenset({'requires_grad', 'inplace'}))
INIT = Place(
    'WEIGHT_INITIALIZERS', is_certain=False, extra=frozenset({'override', 'layer'})
)
AUGMENT = Place('BATCH_AUGMENTS')
AUGMENTS = Place('BATCH_AUGMENTS', is_certain=False, children={'augments': AUGMENT})
_PARTS = {
    'init_cfg': INIT,
    'norm_cfg': LAYER,
    'act_cfg': LAYER,
    'conv_cfg': LAYER,
    'batch_augments': AUGMENT,
}
MODEL_PART = Place('MODELS', is_certain=False, children=_PARTS)
_PARTS[ANY] = MODEL_PART
LOSS = Place('MODELS', children=_PARTS)
BACKBONE = Place('MODELS', children=dict(_PARTS))
BACKBONE.children['backbone'] = BACKBONE  # of a ZooBackbone
# the head fills in the width of its embedding
MARGIN = Place('MODELS', injected=frozenset({'in_channels'}), children=_PARTS)
# the classifier fills in what the backbone gives
HEAD = Place(
    'MODELS',
    injected=frozenset({'in_channels'}),
    children={**_PARTS, 'loss': LOSS, 'margin': MARGIN},
)
PREPROCESSOR = Place('MODELS', children={**_PARTS, 'mix_augments': AUGMENTS})
ZOO_PREPROCESSOR = Place(
    'MODELS', is_certain=False, children={**_PARTS, 'batch_augments': AUGMENTS}
)
MODEL = Place(
    'MODELS',
    children={
        **_PARTS,
        'backbone': BACKBONE,
        'neck': HEAD,
        'head': HEAD,
        'data_preprocessor': PREPROCESSOR,
        'train_cfg': AUGMENTS,
    },
)
INNER_TRANSFORM = Place('TRANSFORMS', is_certain=False)
INNER_TRANSFORM.children[ANY] = INNER_TRANSFORM
TRANSFORM = Place('TRANSFORMS', children={ANY: INNER_TRANSFORM})
DATASET = Place('DATASETS', children={'pipeline': TRANSFORM})
DATASET.children.update(dataset=DATASET, datasets=DATASET)
# of a mix, which gives them its split and size
SOURCE = Place(
    'DATASETS',
    injected=frozenset({'split', 'image_size'}),
    default_type='EyeParquet',
    children=DATASET.children,
)
DATASET.children['sources'] = Place(
    'DATASETS', is_certain=False, children={ANY: SOURCE}
)
_FUNCTION = Place('FUNCTIONS', injected=frozenset({ANY}))
DATALOADER = {
    'dataset': DATASET,
    'sampler': Place('DATA_SAMPLERS', injected=frozenset({'dataset', 'seed'})),
    'batch_sampler': Place(
        'DATA_SAMPLERS', injected=frozenset({'sampler', 'batch_size'})
    ),
    'collate_fn': _FUNCTION,
    'worker_init_fn': _FUNCTION,
}
OPTIM_WRAPPER = Place(
    'OPTIM_WRAPPERS',
    extra=frozenset({'constructor', 'paramwise_cfg'}),
    default_type='OptimWrapper',
    children={'optimizer': Place('OPTIMIZERS', injected=frozenset({'params'}))},
)
METRIC = Place('METRICS')
EVALUATOR = Place('EVALUATOR', default_type='Evaluator', children={'metrics': METRIC})
VISUALIZER = Place(
    'VISUALIZERS',
    injected=frozenset({'name', 'save_dir'}),
    children={'vis_backends': Place('VISBACKENDS', injected=frozenset({'save_dir'}))},
)
HOOK = Place('HOOKS', extra=frozenset({'priority'}))
SCHEDULER = Place(
    'PARAM_SCHEDULERS',
    injected=frozenset({'optimizer', 'epoch_length'}),
    extra=frozenset({'convert_to_iter_based'}),
)
_IN_LOOP = frozenset({'runner', 'dataloader', 'evaluator'})
_BY_EPOCH = frozenset({'by_epoch'})
ITERATION_LOOP = Place('LOOPS', _IN_LOOP, _BY_EPOCH, 'IterBasedTrainLoop')
TOP_LEVEL = {
    'model': MODEL,
    'train_cfg': Place('LOOPS', _IN_LOOP, _BY_EPOCH, 'EpochBasedTrainLoop'),
    'val_cfg': Place('LOOPS', _IN_LOOP, default_type='ValLoop'),
    'test_cfg': Place('LOOPS', _IN_LOOP, default_type='TestLoop'),
    'optim_wrapper': OPTIM_WRAPPER,
    'data_preprocessor': PREPROCESSOR,
    'default_hooks': HOOK,
    'custom_hooks': HOOK,
    'val_evaluator': METRIC,
    'test_evaluator': METRIC,
    'param_scheduler': SCHEDULER,
    'visualizer': VISUALIZER,
    'log_processor': Place('LOG_PROCESSORS', default_type='LogProcessor'),
    'model_wrapper_cfg': Place('MODEL_WRAPPERS', injected=frozenset({'module'})),
    'tta_model': Place('MODELS', injected=frozenset({'module'})),
    'tta_pipeline': TRANSFORM,
}
# dicts whose values are the dicts to build
NAMED = ('default_hooks', 'param_scheduler')
