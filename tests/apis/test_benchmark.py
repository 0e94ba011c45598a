import json
import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import torch

from ocec.apis import benchmark as module
from ocec.apis.benchmark import PARTS, READERS, TRAINERS, benchmark, in_own_process
from ocec.apis.benchmark_growth import measure_growth
from ocec.apis.benchmark_setup import BenchmarkSetup
from ocec.apis.errors import ConfigError

GROWN_MB = 640.0
PEAK_MB = 321.0
STEP = {'read': {'ms': 1.0, 'low': 1.0, 'high': 1.0}}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """A benchmark on the CPU hides the GPU from the processes it starts."""
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')


@pytest.fixture
def calls(monkeypatch):
    """Stand-ins for what measures; list of (name, setup, rows of its data, others)."""
    calls = []

    def stand_in(name, result):
        def measure(setup, *others):
            calls.append((name, setup, pq.read_metadata(setup.data).num_rows, others))
            return result

        return measure

    @contextmanager
    def process():
        def submit(function, *args):
            future = Future()
            future.set_result(function(*args))
            return future

        yield SimpleNamespace(submit=submit)

    def call(function, setup, args):
        return function(setup, *args), PEAK_MB

    rates = {name: [3.0, 1.0, 2.0] for name in (*TRAINERS, *READERS)}
    contenders = {name: stand_in(name, found) for name, found in rates.items()}
    monkeypatch.setattr(module, 'CONTENDERS', contenders)
    monkeypatch.setattr(module, '_process', process)
    monkeypatch.setattr(module, '_call', call)
    figures = {
        'measure_stages': STEP,
        'measure_hooks': {
            'step of a run': STEP['read'],
            'hooks and logging': {'ms': 0.1},
        },
        'measure_validation': {
            'images_per_second': 9.0,
            'forward_images_per_second': 10.0,
            'ratio': 0.9,
            'ratio_low': 0.8,
            'ratio_high': 1.0,
        },
        'measure_decoding': {
            'bare_loop_per_second': 2.0,
            'pictures_per_second_on_one_core': 2.0,
            'pictures_per_second_and_core_on_all': 1.0,
            'cores': 2,
            'ratio': 1.0,
            'ratio_on_all_cores': 0.5,
        },
        'time_ours': [(1.0, 0.95)],
        'time_plain': [(2.0, 0.95)],
        'train_as_rank': [4.0, 5.0],
        'measure_growth': {
            'images': 7,
            'build_seconds': 1.0,
            'epoch_seconds': 1.0,
            'peak_mb': GROWN_MB,
        },
    }
    for name, found in figures.items():
        monkeypatch.setattr(module, name, stand_in(name, found))
    return calls


def test_everything_is_measured_and_kept_in_files(
    write_config, make_eye_parquet, tmp_path, calls, capsys
):
    data = make_eye_parquet(num_rows=64)  # 32 train, 16 val
    found = benchmark(
        write_config(num_rows=4),
        str(data),
        out=tmp_path / 'new' / 'out',
        repeats=2,
        epochs=5,
        num_images=10,
        sizes=(50, 20),
        target_f1=0.8,
        threads=2,
    )
    assert [part for part in found if part in PARTS] == list(PARTS)
    out = tmp_path / 'new' / 'out'
    assert json.loads((out / 'benchmark.json').read_text()) == json.loads(
        json.dumps(found)
    )
    text = (out / 'benchmark.md').read_text()
    assert text in capsys.readouterr().out
    assert '| ocec / stock mmpretrain | 1 | 1, 1 | >= 5, **not met** |' in text
    assert (out / 'benchmark.png').is_file()
    names = [name for name, *_ in calls]
    # each turn has everybody
    turns = names.index('ours')
    assert names[turns : turns + 16] == [*TRAINERS, *READERS] * 2
    assert found['peers']['images_per_second']['plain'] == [2.0, 2.0]
    assert found['peers']['peak_mb'] == dict.fromkeys((*TRAINERS, *READERS), PEAK_MB)
    # readers have one core, trainers all
    threads = {name: setup.threads for name, setup, *_ in calls}
    assert {name: threads[name] for name in ('ours', 'plain', *READERS)} == {
        'ours': 2,
        'plain': 2,
        'read_ours': 1,
        'read_mmpretrain': 1,
    }
    # 10 + 16 rows for the comparison, all 48 for quality, 16 with those that grow
    rows = {name: set() for name in names}
    for name, setup, num_rows, _ in calls:
        rows[name].add(num_rows)
        assert setup.epochs == 5
    assert rows['ours'] == rows['measure_stages'] == rows['train_as_rank'] == {26}
    assert rows['time_ours'] == rows['time_plain'] == {48}
    assert rows['measure_growth'] == {36, 66}
    assert [entry['ranks']['num_ranks'] for entry in found['growth']] == [2, 2]
    others = [others for name, *_, others in calls if name == 'train_as_rank']
    assert [(rank, world) for rank, world, _ in others] == [(0, 2), (1, 2)] * 2
    ports = [port for *_, port in others]
    assert (ports[0], ports[2]) == (ports[1], ports[3])
    assert found['ranks']['images_per_second'] == {
        'one process': [3.0, 3.0],
        'ranks of one thread': [5.0, 5.0],
    }
    assert found['machine']['threads'] == 2
    # everything temporary is gone
    assert not any(Path(setup.data).exists() for _, setup, *_ in calls)


def test_only_the_parts_asked_for_are_measured(
    write_config, make_eye_parquet, tmp_path, calls
):
    arguments = (write_config(num_rows=4), str(make_eye_parquet()))
    found = benchmark(*arguments, out=tmp_path / 'out', parts=['growth'], sizes=[5])
    assert {name for name, *_ in calls} == {'measure_growth'}
    assert 'peers' not in found
    assert found['growth'][0]['peak_mb'] == GROWN_MB


# arguments


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'device': 'tpu'}, "--device must be 'cpu' or 'cuda', got 'tpu'"),
        (
            {'parts': ['peers', 'speed']},
            r"--parts: unknown \['speed'\], choose of \['",
        ),
        ({'repeats': 0}, '--repeats must be >= 1, got 0'),
        ({'epochs': -1}, '--epochs must be >= 1, got -1'),
        ({'num_images': 0}, '--num-images must be >= 1, got 0'),
        ({'sizes': [10, 0]}, '--sizes must be >= 1, got 0'),
        ({'threads': 0}, '--threads must be >= 1, got 0'),
        ({'target_f1': 1.5}, r'--target-f1 must be in \(0, 1\], got 1.5'),
        ({'target_f1': 0.0}, r'--target-f1 must be in \(0, 1\], got 0.0'),
    ],
)
def test_bad_arguments_are_named(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        benchmark('c.py', 'd.parquet', out=tmp_path / 'out', **settings)
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason='for machines without a GPU')
def test_a_missing_gpu_is_told(tmp_path):
    with pytest.raises(ConfigError, match='--device cuda: torch finds no GPU here'):
        benchmark('c.py', 'd.parquet', out=tmp_path, device='cuda')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            "train_dataloader['dataset'] = dict(_delete_=True, type='PairNpz', "
            "data='x', split='train')",
            'train_dataloader.dataset must be an EyeParquet, got PairNpz',
        ),
        (
            '\n'.join(
                f"{split}_dataloader['dataset']['split_ratios'] = dict(train=1.0)"
                for split in ('train', 'val', 'test')
            ),
            'train_dataloader.dataset.split_ratios: the others would be measured on ot',
        ),
        (
            "train_dataloader['dataset']['pipeline'] = [dict(type='mmcv.Resize', "
            'scale=(64, 32))]',
            'train_dataloader.dataset.pipeline: the others would be measured on other',
        ),
        ('optim_wraper = 3', 'optim_wraper'),
    ],
)
def test_a_config_that_cannot_be_compared_is_refused(
    write_config, make_eye_parquet, tmp_path, calls, text, message
):
    config = write_config(text, num_rows=4)
    with pytest.raises(ConfigError, match=message):
        benchmark(config, str(make_eye_parquet()), out=tmp_path / 'out')
    assert calls == []


def test_missing_data_are_told(write_config, tmp_path, calls):
    with pytest.raises(FileNotFoundError, match='nowhere.parquet: no such parquet'):
        benchmark(write_config(num_rows=4), 'nowhere.parquet', out=tmp_path)


# processes


def test_a_process_of_its_own_leaves_nothing_outside_its_folder(
    make_benchmark_setup, monkeypatch
):
    # a fresh interpreter would import for seconds; the test of the tool starts one
    context = multiprocessing.get_context('fork')
    monkeypatch.setattr(
        module, '_process', lambda: ProcessPoolExecutor(1, mp_context=context)
    )
    setup = make_benchmark_setup()
    before = sorted(Path(os.environ['OCEC_CACHE_DIR']).iterdir())
    found, peak_mb = in_own_process(measure_growth, setup)
    assert found['images'] == 32
    assert peak_mb is None or peak_mb >= found['peak_mb'] > 50
    assert len(list(Path(setup.work_dir, 'cache').glob('*/images.npy'))) == 1
    assert sorted(Path(os.environ['OCEC_CACHE_DIR']).iterdir()) == before
    assert 'decoded 64 images' in Path(setup.work_dir, 'output.log').read_text()


def test_a_killed_process_is_told_with_the_end_of_its_output(tmp_path, monkeypatch):
    @contextmanager
    def process():
        def submit(*args):
            future = Future()
            future.set_exception(BrokenProcessPool('terminated abruptly'))
            return future

        yield SimpleNamespace(submit=submit)

    monkeypatch.setattr(module, '_process', process)
    setup = BenchmarkSetup('c.py', 'd.parquet', 'p', str(tmp_path))
    message = '(?s)measure_growth: its process was killed; the system may lack memory'
    with pytest.raises(ChildProcessError, match=message):
        in_own_process(measure_growth, setup)
    lines = [f'line {number}' for number in range(12)]
    (tmp_path / 'output.log').write_text('\n'.join(lines) + '\n')
    with pytest.raises(ChildProcessError, match='output:\nline 2\nline 3') as caught:
        in_own_process(measure_growth, setup)
    assert str(caught.value).endswith('line 10\nline 11')
