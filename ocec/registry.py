"""Registries of the toolbox: children of mmengine's, scope ``ocec``.

``locations`` names the packages that are imported on the first lookup, so that a
config never has to import anything by hand. A class registered here under a name
that mmengine has too (``CheckpointHook``, ``AmpOptimWrapper``) is the one that
configs of this toolbox get.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import EVALUATOR as MMENGINE_EVALUATOR
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOG_PROCESSORS as MMENGINE_LOG_PROCESSORS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
)
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISBACKENDS as MMENGINE_VISBACKENDS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import Registry

RUNNERS = Registry(
    'runner', parent=MMENGINE_RUNNERS, scope='ocec', locations=['ocec.engine']
)
HOOKS = Registry(
    'hook',
    parent=MMENGINE_HOOKS,
    scope='ocec',
    locations=['ocec.engine', 'ocec.apis.run_hooks'],
)
OPTIM_WRAPPERS = Registry(
    'optim wrapper',
    parent=MMENGINE_OPTIM_WRAPPERS,
    scope='ocec',
    locations=['ocec.engine'],
)
PARAM_SCHEDULERS = Registry(
    'parameter scheduler',
    parent=MMENGINE_PARAM_SCHEDULERS,
    scope='ocec',
    locations=['ocec.engine'],
)
DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='ocec', locations=['ocec.datasets']
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=MMENGINE_DATA_SAMPLERS,
    scope='ocec',
    locations=['ocec.datasets'],
)
FUNCTIONS = Registry(
    'function', parent=MMENGINE_FUNCTIONS, scope='ocec', locations=['ocec.datasets']
)
TRANSFORMS = Registry(
    'transform',
    parent=MMENGINE_TRANSFORMS,
    scope='ocec',
    locations=['ocec.datasets'],
)
MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope='ocec',
    locations=['ocec.models', 'ocec.engine'],
)
MODEL_WRAPPERS = Registry(
    'model wrapper',
    parent=MMENGINE_MODEL_WRAPPERS,
    scope='ocec',
    locations=['ocec.models'],
)
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='ocec', locations=['ocec.evaluation']
)
BATCH_AUGMENTS = Registry(
    'batch augment', scope='ocec', locations=['ocec.models.batch_augments']
)

LOOPS = Registry('loop', parent=MMENGINE_LOOPS, scope='ocec', locations=['ocec.engine'])

# nothing of ours yet; without a child of this scope mmengine warns at every lookup
OPTIMIZERS = Registry(
    'optimizer', parent=MMENGINE_OPTIMIZERS, scope='ocec', locations=['ocec.engine']
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope='ocec',
    locations=['ocec.engine'],
)
EVALUATOR = Registry(
    'evaluator',
    parent=MMENGINE_EVALUATOR,
    scope='ocec',
    locations=['ocec.evaluation'],
)
VISUALIZERS = Registry(
    'visualizer', parent=MMENGINE_VISUALIZERS, scope='ocec', locations=['ocec.engine']
)
VISBACKENDS = Registry(
    'vis_backend', parent=MMENGINE_VISBACKENDS, scope='ocec', locations=['ocec.engine']
)
LOG_PROCESSORS = Registry(
    'log_processor',
    parent=MMENGINE_LOG_PROCESSORS,
    scope='ocec',
    locations=['ocec.engine'],
)
WEIGHT_INITIALIZERS = Registry(
    'weight initializer',
    parent=MMENGINE_WEIGHT_INITIALIZERS,
    scope='ocec',
    locations=['ocec.models'],
)
