import pytest

from ocec.apis.run_config import load_run_config
from ocec.apis.sweep_child import child_config_text
from ocec.apis.sweep_config import as_options


@pytest.mark.parametrize(
    'settings',
    [
        {'optim_wrapper.optimizer.lr': 0.01, 'model.backbone.base_channels': 16},
        {'param_scheduler.0.start_factor': 0.5},  # within a list
        {'custom_hooks.0.decay': 0.9, 'param_scheduler.1.eta_min': 1e-5},
        {'model.head.loss': {'type': 'FocalLoss', 'gamma': 2.0}},  # another type
        {'model.head.margin': {'type': 'CosFace', 'm': 0.2, 's': 8.0}},
        {'optim_wrapper.clip_grad': None},
        {'model.head.dropout': 0.1, 'model.head.loss.pos_weight': None},
        {
            'train_dataloader.dataset.fold': [1, 2],
            'val_dataloader.dataset.fold': [1, 2],
            'test_dataloader.dataset.fold': [1, 2],
        },
    ],
)
def test_the_child_equals_the_trial(write_config, tmp_path, settings):
    base = write_config(num_rows=16)
    folder = tmp_path / 'sweep' / 'deep'
    folder.mkdir(parents=True)
    text = child_config_text(base, settings, folder=folder, docstring='Trial 3.')
    file = folder / 'best.py'
    file.write_text(text)
    wanted = load_run_config(base, cfg_options=as_options(settings))
    assert load_run_config(file).to_dict() == wanted.to_dict()
    assert text.startswith('"""Trial 3."""\n\n_base_ = \'../../tiny0.py\'\n')


def test_only_what_changed_is_written(write_config, tmp_path):
    text = child_config_text(
        write_config(num_rows=16),
        {'optim_wrapper.optimizer.lr': 0.01},
        folder=tmp_path,
        docstring='x',
    )
    assert text.splitlines()[2:] == [
        "_base_ = 'tiny0.py'",
        '',
        'optim_wrapper = dict(',
        '    optimizer=dict(',
        '        lr=0.01,',
        '    ),',
        ')',
    ]
