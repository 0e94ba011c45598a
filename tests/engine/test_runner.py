import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from ocec.apis.train import train
from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.runner import Runner


def build(config, tmp_path, **settings):
    cfg = Config.fromfile(config)
    cfg.work_dir = str(tmp_path / 'run')
    for name, value in settings.items():
        cfg[name] = value
    return Runner.from_cfg(cfg)


def train_lines(folder):
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').open()]
    return [line for line in lines if line['phase'] == 'train']


def log_of(folder):
    (log,) = folder.glob('*.log')
    return log.read_text()


def test_a_last_batch_of_one_image_is_left_out(tmp_path, write_config):
    # 33 images to train on, batch 16: two batches and one image
    splits = ['train'] * 33 + ['val'] * 8
    config = write_config(
        'default_hooks = dict(logger=dict(interval=1))\n'
        "test_dataloader['dataset']['split'] = 'val'",
        num_rows=len(splits),
        split=splits,
    )
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    assert [line['step'] for line in train_lines(folder)] == [1, 2, 3, 4]
    assert 'the last batch of an epoch would hold one image' in log_of(folder)


def test_any_default_hook_can_be_turned_off(tmp_path, write_config):
    names = ('timer', 'param_scheduler', 'provenance', 'diagnostics', 'verdict')
    off = ', '.join(f'{name}=None' for name in names)
    runner = build(write_config(f'default_hooks = dict({off})'), tmp_path)
    left = {type(hook).__name__ for hook in runner.hooks}
    assert {'RuntimeInfoHook', 'CheckpointHook', 'AdviceHook'} <= left
    assert not left & {
        'IterTimerHook',
        'ParamSchedulerHook',
        'ProvenanceHook',
        'DiagnosticsHook',
        'VerdictHook',
    }


def test_a_split_smaller_than_a_batch(tmp_path, write_config):
    config = write_config('train_dataloader.update(drop_last=True, batch_size=64)')
    with pytest.raises(
        ValueError, match='has 32 images for this rank, fewer than .*batch_size=64'
    ):
        train(config, work_dir=tmp_path / 'run')


def test_the_log_says_what_the_numbers_rest_on(tmp_path, write_config):
    config = write_config('optim_wrapper = dict(accumulative_counts=2)')
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    log = log_of(folder)
    assert '1 ranks x 16 images x 2 accumulated = 32; lr 0.008' in log
    assert 'head.loss_module: 16 closed / 16 open, weight of open 1.0000' in log


@pytest.mark.parametrize('accumulation', [1, 4])
def test_lr_scales_with_the_effective_batch(tmp_path, write_config, accumulation):
    config = write_config(
        f'optim_wrapper = dict(accumulative_counts={accumulation})\n'
        'auto_scale_lr = dict(base_batch_size=32)'
    )
    folder = train(config, work_dir=tmp_path / 'run', auto_scale_lr=True).work_dir
    # 8e-3 is meant for 32 images; here are 16 or 64
    assert f'lr {8e-3 * 16 * accumulation / 32:g}' in log_of(folder)


def test_class_weight_is_that_of_the_new_data_when_weights_are_loaded(
    tmp_path, write_config
):
    first = train(write_config(), work_dir=tmp_path / 'first').work_dir
    labels = [1, 1, 1, 0] * 16
    names = [('closed', 'open')[label] for label in labels]
    config = write_config(
        f'load_from = {str(first / "epoch_2.pth")!r}', class_id=labels, label=names
    )
    train(config, work_dir=tmp_path / 'second')
    checkpoint = torch.load(tmp_path / 'second' / 'epoch_2.pth')
    for part in ('state_dict', 'ema_state_dict'):
        (weight,) = [v for k, v in checkpoint[part].items() if k.endswith('pos_weight')]
        assert weight == pytest.approx(1 / 3)


def test_code_in_a_checkpoint_is_refused(tmp_path, write_config):
    path = tmp_path / 'evil.pth'
    torch.save({'state_dict': {}, 'meta': print}, path)
    runner = build(write_config(), tmp_path, load_from=str(path))
    with pytest.raises(ValueError, match='could run code'):
        runner.load_or_resume()


def test_other_numbers_of_ranks_are_told_on_resume(tmp_path, write_config):
    folder = train(write_config(), work_dir=tmp_path / 'run').work_dir
    checkpoint = torch.load(folder / 'epoch_1.pth')
    checkpoint['rng'] *= 2
    save_atomically(checkpoint, folder / 'two.pth')
    config = write_config()
    train(config, work_dir=tmp_path / 'again', resume=str(folder / 'two.pth'))
    assert 'holds random states of 2 ranks, this run has 1' in log_of(
        tmp_path / 'again'
    )


def test_convolutions_are_channels_last(tmp_path, write_config):
    model = build(write_config(), tmp_path).model
    weight = model.backbone.stem[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()


def test_loaders_leave_the_global_random_numbers_alone(tmp_path, write_config):
    runner = build(write_config(), tmp_path)
    loader = runner.build_dataloader(runner._train_dataloader, seed=1)
    before = torch.get_rng_state()
    for _ in loader:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_a_test_does_not_write_over_the_config_of_the_training(tmp_path, write_config):
    from ocec.apis.test import test as run_test

    config = write_config()
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    written = (folder / 'tiny0.py').read_text()
    run_test(config, folder / 'epoch_2.pth', work_dir=folder)
    assert (folder / 'tiny0.py').read_text() == written


def test_a_compiled_run_gives_the_losses_of_a_plain_one(tmp_path, write_config):
    # inductor draws dropout from another generator
    plain = """
model = dict(backbone=dict(base_channels=8, num_blocks=2), head=dict(dropout=0.0))
optim_wrapper = dict(_delete_=True, type='OptimWrapper',
                     optimizer=dict(type='AdamW', lr=1e-3))
default_hooks = dict(logger=dict(interval=1))
"""
    losses = []
    for name, text in (('plain', plain), ('compiled', plain + 'compile = True')):
        folder = train(write_config(text), work_dir=tmp_path / name).work_dir
        losses.append([line['loss'] for line in train_lines(folder)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            {'model_state': {'stem.0.bias': torch.zeros(8)}},
            r'is a checkpoint of another model (?s:.*)\n  backbone.stem.0.weight: not ',
        ),
        ({'epoch': 3}, r"holds no weights: its keys are \['epoch'\]"),
    ],
)
def test_a_file_that_is_no_checkpoint_of_ours_is_refused(
    tmp_path, write_config, content, message
):
    torch.save(content, tmp_path / 'other.pth')
    config = write_config(f'load_from = {str(tmp_path / "other.pth")!r}')
    with pytest.raises(ValueError, match=message):
        train(config, work_dir=tmp_path / 'run')


def test_bare_weights_can_be_started_from(tmp_path, write_config):
    first = train(write_config(), work_dir=tmp_path / 'first')
    checkpoint = torch.load(first.work_dir / 'epoch_2.pth', weights_only=True)
    torch.save(checkpoint['state_dict'], tmp_path / 'bare.pth')
    log = []
    for name in ('first/epoch_2.pth', 'bare.pth'):
        # nothing is learnt, so what is validated is what was loaded
        config = write_config(
            f'load_from = {str(tmp_path / name)!r}\n'
            'optim_wrapper = dict(optimizer=dict(lr=0.0, weight_decay=0.0))\n'
            'param_scheduler = None\n'
        )
        run = tmp_path / Path(name).stem
        train(config, work_dir=run)
        state = torch.load(run / 'epoch_1.pth', weights_only=True)['state_dict']
        log.append(state['head.fc.weight'])
    assert torch.equal(*log)
    assert torch.equal(log[0], checkpoint['state_dict']['head.fc.weight'])


def test_compiling_checkpointed_blocks_is_refused(tmp_path, write_config):
    config = write_config('compile = True\nmodel["backbone"]["with_cp"] = True')
    message = 'compile=True and model.backbone.with_cp=True exclude each other'
    with pytest.raises(ValueError, match=message):
        train(config, work_dir=tmp_path / 'run')


def test_the_config_is_written_once_for_all_checkpoints(
    tmp_path, write_config, monkeypatch
):
    # formatting it takes longer than saving
    written, text = [], Config.pretty_text
    monkeypatch.setattr(
        Config, 'pretty_text', property(lambda cfg: written.append(1) or text.fget(cfg))
    )
    runner = build(write_config(), tmp_path)
    runner.train()
    num_before_first = len(written)
    runner.save_checkpoint(str(tmp_path), 'again.pth')
    assert len(written) == num_before_first
    saved = torch.load(tmp_path / 'again.pth', weights_only=True)
    assert saved['meta']['cfg'] == runner.cfg.pretty_text
