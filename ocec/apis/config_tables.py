"""What a config may hold where no signature says so."""

import inspect

from mmengine.runner import Runner
from torch.utils.data import DataLoader

OWN_TOP_LEVEL = ('trust_checkpoint', 'load_weights')
# read by mmengine with cfg.get, not parameters of the runner
READ_BY_RUNNER = (
    'model_wrapper_cfg',
    'find_unused_parameters',
    'sync_bn',
    'compile',
    'activation_checkpointing',
    'efficient_conv_bn_eval',
    'custom_imports',
    'runner_type',
    'tta_model',
    'tta_pipeline',
)
HELPER_NAMES = ('data_root', 'dataset_type')
HELPER_ENDINGS = ('_pipeline', '_norm_cfg')
# names of older OpenMMLab configs and of other toolboxes
OTHER_NAMES = {
    'optimizer': 'optim_wrapper',
    'optimiser': 'optim_wrapper',
    'optimizer_config': 'optim_wrapper.clip_grad',
    'lr_config': 'param_scheduler',
    'lr_scheduler': 'param_scheduler',
    'scheduler': 'param_scheduler',
    'evaluation': 'val_evaluator',
    'checkpoint_config': 'default_hooks.checkpoint',
    'log_config': 'default_hooks.logger',
    'hooks': 'custom_hooks',
    'data': 'train_dataloader',
    'resume_from': 'resume',
    'seed': 'randomness.seed',
    'total_epochs': 'train_cfg.max_epochs',
    'max_epochs': 'train_cfg.max_epochs',
    'epochs': 'train_cfg.max_epochs',
    'fp16': "optim_wrapper.type='AmpOptimWrapper'",
    'dist_params': 'env_cfg.dist_cfg',
}
# mmengine's own in Runner.register_default_hooks, then those of our base config
DEFAULT_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
    'sync_buffers',
    'provenance',
    'margin_warmup',
    'thresholds',
    'advice',
    'hparams',
    'verdict',
    'diagnostics',
    'watchdog',
    'non_finite',
)
# of each row all or none must be set, or the runner refuses
PARTNERS = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)

_PARAMWISE_KEYS = (
    'custom_keys',
    'lr_mult',
    'decay_mult',
    'bias_lr_mult',
    'bias_decay_mult',
    'norm_decay_mult',
    'dwconv_decay_mult',
    'flat_decay_mult',
    'dcn_offset_lr_mult',
    'bypass_duplicate',
)
_DIST_KEYS = (
    'backend',
    'init_backend',
    'init_method',
    'timeout',
    'world_size',
    'rank',
    'store',
    'group_name',
    'pg_options',
    'device_id',
    'port',
)
_CLIP_KEYS = (
    'type',
    'max_norm',
    'norm_type',
    'error_if_nonfinite',
    'foreach',
    'clip_value',
)
# keys of dicts without a type; * stands for any one key
LOOSE_DICTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ('env_cfg',): ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    ('env_cfg', 'mp_cfg'): ('mp_start_method', 'opencv_num_threads'),
    ('env_cfg', 'dist_cfg'): _DIST_KEYS,
    ('randomness',): ('seed', 'diff_rank_seed', 'deterministic'),
    ('auto_scale_lr',): ('enable', 'base_batch_size'),
    ('custom_imports',): ('imports', 'allow_failed_imports'),
    ('optim_wrapper', 'clip_grad'): _CLIP_KEYS,
    ('model', 'data_preprocessor', 'mix_augments'): ('augments', 'probs'),
    ('optim_wrapper', 'paramwise_cfg'): _PARAMWISE_KEYS,
}
# the optimizer takes further keys here, so only what looks like one of these counts
PARAM_GROUPS = ('optim_wrapper', 'paramwise_cfg', 'custom_keys', '*')
PARAM_GROUP_KEYS = ('lr_mult', 'decay_mult', 'lr', 'weight_decay')
# taken by mmengine before torch's DataLoader sees the rest
_TAKEN_BY_RUNNER = ('num_batch_per_epoch', 'disable_subprocess_warning')


def top_level_keys() -> list[str]:
    """Return the keys that mmengine's runner or this toolbox reads."""
    parameters = inspect.signature(Runner.__init__).parameters
    of_runner = [name for name in parameters if name not in ('self', 'cfg')]
    return [*of_runner, *READ_BY_RUNNER, *OWN_TOP_LEVEL]


def dataloader_keys() -> list[str]:
    """Return the keys of a ``*_dataloader`` dict."""
    return [*inspect.signature(DataLoader.__init__).parameters][1:] + [
        *_TAKEN_BY_RUNNER
    ]
