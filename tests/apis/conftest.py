"""Fixtures of the tools: members of an ensemble, made without training."""

import json
import pickle
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.metrics_file import MetricsFile
from ocec.registry import MODELS


@pytest.fixture
def make_member(write_config, tmp_path):
    """Return a factory of checkpoints as a training leaves them, with random weights.

    Args of the factory:
        data: parquet file that the config in the checkpoint names.
        text: Python text put at the end of the config.
        seed: of the weights.

    Returns of the factory: the path of the checkpoint.
    """
    numbers = count()

    def make(data, text: str = '', seed: int = 0):
        config = write_config(text, num_rows=16)
        cfg = load_run_config(config, data=str(data))
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        model.head.loss_module.set_class_counts(16, 16)  # as training does
        weights = model.state_dict()
        path = tmp_path / f'run{next(numbers)}' / 'best.pth'
        save_atomically({'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights}, path)
        return path

    return make


@pytest.fixture
def own_data(make_eye_parquet):
    """What members were trained on: subjects s000 to s015."""
    return make_eye_parquet(num_rows=64)


@pytest.fixture
def unseen_data(make_eye_parquet):
    """Subjects that no member has seen: 80 rows to stack on, 40 to test on."""
    return make_eye_parquet(
        num_rows=120,
        seed=7,
        splits={'val': 2 / 3, 'test': 1 / 3},
        group=[f'new{row // 4}' for row in range(120)],
    )


@pytest.fixture
def make_benchmark_setup(write_config, make_eye_parquet, tmp_path, monkeypatch):
    """Return a factory of tiny setups for the benchmark: 32 train rows, 16 val rows.

    Args of the factory:
        text: Python text put at the end of the config.
        **settings: further fields of ``BenchmarkSetup``.

    Returns of the factory: the setup; its pictures are written.
    """
    from ocec.apis.benchmark_setup import WORKERS, BenchmarkSetup, write_pictures

    monkeypatch.setitem(WORKERS, 'cpu', 1)

    def make(text: str = '', **settings) -> BenchmarkSetup:
        config = write_config(text, num_rows=4)
        data = make_eye_parquet(num_rows=64)
        folder = tmp_path / 'benchmark'
        folder.mkdir()
        setup = BenchmarkSetup(
            config=str(config),
            data=str(data),
            pictures=str(folder / 'pictures'),
            work_dir=str(folder / 'run'),
            **{'threads': 1, 'epochs': 1, **settings},
        )
        write_pictures(data, folder / 'pictures')
        (folder / 'run').mkdir()
        return setup

    return make


@pytest.fixture
def make_scored_rows():
    """Return a factory of drawn scores: normal evidence, +-2 by class, 1.2 wide.

    Args of the factory:
        num: rows.
        groups: known groups of equal size; 0: none is known.
        shift: added to the log-odds of open, which are right without it.
        open_share: of the labels.
        turn: by what the embeddings are turned, in radians, out of their plane.
        flipped: number of a group whose labels are wrong.
        labelled: False leaves all labels unknown.
        seed: of everything.

    Returns of the factory: the rows; their pictures do not exist.
    """
    from ocec.apis.drift_report_scores import ScoredRows

    def make(
        num=400,
        *,
        groups=40,
        shift=0.0,
        open_share=0.5,
        turn=0.0,
        flipped=None,
        labelled=True,
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        label_N = (np.arange(num) % 100 < 100 * open_share).astype(np.int8)
        rng.shuffle(label_N)
        evidence_N = rng.normal(4 * label_N - 2, 1.2)
        # of two normal classes of equal width, at equal shares
        log_odds_N = 4 * evidence_N / 1.44 + shift
        group_N = np.full(num, -1, np.int32)
        if groups:
            group_N = (np.arange(num) * groups // num).astype(np.int32)
        if flipped is not None:
            label_N = np.where(group_N == flipped, 1 - label_N, label_N)
        angle_N = evidence_N / 3
        x_ND = rng.normal(0, 0.05, (num, 6))
        x_ND[:, 0] += np.sin(angle_N)
        x_ND[:, 1] += np.cos(angle_N) * np.cos(turn)
        x_ND[:, 2] += np.cos(angle_N) * np.sin(turn)
        return ScoredRows(
            name=f'drawn {seed}',
            table=SimpleNamespace(group_names=[f'g{g}' for g in range(groups)]),
            num_rows=num,
            row_N=np.arange(num),
            prob_N=(1 / (1 + np.exp(-log_odds_N))).astype(np.float32),
            label_N=label_N if labelled else np.full(num, -1, np.int8),
            group_N=group_N,
            embedding_ND=x_ND.astype(np.float32),
            pixel_NK=rng.normal(100, 20, (num, 10)).astype(np.float32),
        )

    return make


@pytest.fixture
def make_pair_run(tmp_path):
    """Return a factory of finished runs on digit pairs, with random weights.

    Args of the factory:
        data: folder of pairs that the config in the checkpoint names.
        name: stage and run; a name without a stage is a run of another tool.
        seed: of the weights.
        val: accuracy that ``best.json`` names.

    Returns of the factory: the work_dir.
    """

    def make(data, name='stage0/compare-s1', *, seed=1, val=0.75):
        bases = ('models/pair_compare', 'datasets/digit_pairs', 'pair_runtime')
        bases = [*bases, 'schedules/pair_cosine_20e']
        root = Path(__file__).parents[2] / 'configs' / '_base_'
        config = tmp_path / 'pair_run.py'
        config.write_text(f'_base_ = {[str(root / f"{base}.py") for base in bases]}\n')
        cfg = load_run_config(config, data=str(data))
        torch.manual_seed(seed)
        weights = MODELS.build(cfg.model).state_dict()
        folder = tmp_path / 'runs' / name
        save_atomically(
            {'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights},
            folder / 'best.pth',
        )
        best = {'metric': 'pair/accuracy', 'value': val, 'epoch': 2, 'file': 'best.pth'}
        (folder / 'best.json').write_text(json.dumps(best))
        log = MetricsFile(folder / 'metrics.jsonl')
        for epoch in (1, 2):
            log.append('train_epoch', epoch, epoch, {'loss': 0.6, 'seconds': 50.0})
            log.append('val', epoch, epoch, {'pair/accuracy': val, 'seconds': 10.0})
        if '/' in name:
            member = {'stage': name.split('/')[0], 'seed': seed}
            (folder / 'member.json').write_text(json.dumps(member))
            (folder / 'finished.json').write_text('{}')
        return folder

    return make


@pytest.fixture
def make_side(make_eye_parquet):
    """Return a factory of what methods say of drawn eyes, by the images they get wrong.

    Args of the factory:
        wrong: method to a set of rows for each of its seeds; row 1 is open, row 2 is
            closed and so on, every four rows are one subject.
        letter: ``A`` or ``B``.
        num_rows: of the data set.
        **columns: of the parquet file.

    Returns of the factory: the side; P(open) is 0.9 or 0.1, the threshold 0.5.
    """
    from ocec.apis.finetune_report_scores import RunScores, Side
    from ocec.datasets.eye_parquet import EyeParquet

    def make(wrong, letter='B', num_rows=8, **columns):
        file = make_eye_parquet(
            num_rows=num_rows, split=['val'] * num_rows, seed=ord(letter), **columns
        )
        dataset = EyeParquet(file, 'val', image_size=(24, 40))
        label_N = np.arange(num_rows) % 2
        scores = {}
        for name, seeds in wrong.items():
            says = [(label_N == 1) ^ np.isin(range(num_rows), list(w)) for w in seeds]
            scores[name] = [
                RunScores(np.where(open_N, 0.9, 0.1), 0.5, 'stored') for open_N in says
            ]
        group_N = dataset.table.group_N.astype(np.int64)
        rows = np.arange(num_rows)
        return Side(letter, str(file), 'val', label_N, group_N, rows, dataset, scores)

    return make


@pytest.fixture
def make_finetune_report(make_side):
    """Return a factory of fine-tune reports whose numbers can be told by hand.

    Args of the factory:
        on_b: method to rows of B that each seed gets wrong, the start first.
        on_a: the same of A.
        runs: method to its runs; without any log if not given.
        **columns: of the parquet file of B.

    Returns of the factory: the report.
    """
    from ocec.apis.finetune_report import build_report
    from ocec.apis.finetune_report_runs import ReportRun

    def make(on_b, on_a, runs=None, **columns):
        sides = {'B': make_side(on_b, 'B', **columns), 'A': make_side(on_a, 'A')}
        methods = {
            name: [ReportRun(f'{name} #{i}', Path(f'{name}{i}.pth')) for i in range(n)]
            for name, n in ((name, len(seeds)) for name, seeds in on_b.items())
        }
        return build_report(methods | (runs or {}), sides, 'val')

    return make


ACTION_CLASSES = ('wave', 'jump', 'sit', 'kick')
ACTION_CONFIG = """
default_scope = 'ocec'
dataset = dict(
    type='RGBPose', annotations={pickle!r}, rgb={rgb}, split='all', test_mode=True,
    num_pose_frames=6, num_rgb_frames=3, frame_size=(32, 32),
)
test_dataloader = dict(
    batch_size=2, num_workers=0, collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset,
)
train_dataloader = dict(
    batch_size=2, num_workers=0, collate_fn=dict(type='ocec.batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(dataset, test_mode=False),
)
test_evaluator = dict(type='ActionMetric')
test_cfg = dict()
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
stream = dict(type='XShiftNet', base_channels=8)
model = dict(
    type='ActionRecognizer',
    data_preprocessor=dict(
        type='ActionPreprocessor', heatmap_size=(8, 8), frame_size=(32, 32),
        random_crop=dict(area_range=(0.5, 0.9)),
    ),
    backbone=dict(
        type='EPAMNet',
        rgb_path={rgb_path},
        pose_path=dict(stream, in_channels=17, depths=(1,), stem_stride=1, shift_div=4),
        attention={attention},
    ),
    head=dict(type='TwoStreamHead', num_classes=4),
)
del dataset, stream
"""


@pytest.fixture
def make_action_run(tmp_path):
    """Return a factory of clips, a config, and a checkpoint with random weights.

    The clips ``a``, ``b`` and ``c`` have 20, 9 and 1 frames of 48 x 64 pixels, 10 a
    second, of a bright square that follows the skeleton's nose; ``b`` has two persons.

    Args of the factory:
        with_rgb: whether the model has a stream of RGB frames.

    Returns of the factory: ``folder``, ``pickle``, ``config``, ``checkpoint`` (which
    holds the config), and ``video(name)``.
    """
    pytest.importorskip('av')
    from ocec.apis.infer_video_overlay import Mp4Writer

    def make(*, with_rgb: bool = True) -> SimpleNamespace:
        rng, annotations = np.random.default_rng(0), []
        folder = tmp_path / 'actions'
        (folder / 'videos').mkdir(parents=True)
        for label, (name, frames) in enumerate({'a': 20, 'b': 9, 'c': 1}.items()):
            persons = 2 if name == 'b' else 1
            steps = rng.normal(0, 1, (persons, frames, 1, 2)).cumsum(axis=1)
            shape = rng.uniform(12, 36, (persons, 1, 17, 2))
            keypoint = (shape + steps).clip(2, 46).astype(np.float16)
            score = rng.uniform(0.3, 1, (persons, frames, 17)).astype(np.float16)
            annotations.append(
                {
                    'frame_dir': name,
                    'label': label,
                    'img_shape': (48, 64),
                    'total_frames': frames,
                    'keypoint': keypoint,
                    'keypoint_score': score,
                }
            )
            with open(folder / 'videos' / f'{name}.mp4', 'wb') as file:
                writer = Mp4Writer(file, fps=10, movflags='')
                for number in range(frames):
                    image = np.full((48, 64, 3), (60, 20, 110), np.uint8)
                    x, y = keypoint[0, number, 0].astype(int)
                    image[y - 2 : y + 3, x - 2 : x + 3] = (250, 240, 40)
                    writer.write(image, number / 10)
                writer.close()
        content = {
            'split': {'all': ['a', 'b', 'c']},
            'annotations': annotations,
            'classes': list(ACTION_CLASSES),
        }
        path = folder / 'poses.pkl'
        path.write_bytes(pickle.dumps(content, 4))
        config = tmp_path / 'actions.py'
        videos = f'dict(root={str(folder / "videos")!r})'
        config.write_text(
            ACTION_CONFIG.format(
                pickle=str(path),
                rgb=videos if with_rgb else None,
                rgb_path='dict(stream, depths=(1, 1))' if with_rgb else None,
                attention="dict(type='PoseAttention')" if with_rgb else None,
            )
        )
        cfg = load_run_config(config)
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        for parameter in model.parameters():  # answers that differ from clip to clip
            parameter.data.normal_(0, 0.5)
        checkpoint = tmp_path / 'run' / 'best.pth'
        meta = {
            'cfg': cfg.pretty_text,
            'dataset_meta': {'classes': ACTION_CLASSES},
        }
        save_atomically({'meta': meta, 'state_dict': model.state_dict()}, checkpoint)
        return SimpleNamespace(
            folder=folder,
            pickle=path,
            config=config,
            checkpoint=checkpoint,
            video=lambda name: folder / 'videos' / f'{name}.mp4',
        )

    return make


@pytest.fixture
def make_subject(write_config, tmp_path):
    """Return a factory of what the checks before a run look at, of a tiny config.

    Args of the factory:
        text: Python text put at the end of the config.
        settings: further fields of ``Subject``.
        **parquet: arguments of ``make_eye_parquet``.

    Returns of the factory: the subject; its work_dir does not exist.
    """
    from mmengine.registry import init_default_scope

    from ocec.apis.verify_model_subject import Subject

    numbers = count()

    def make(text: str = '', *, settings=None, **parquet) -> Subject:
        config = write_config(text, **parquet)
        cfg = load_run_config(config, work_dir=tmp_path / 'planned', no_check=True)
        init_default_scope('ocec')
        folder = tmp_path / f'verify{next(numbers)}'
        return Subject(
            cfg, folder=folder, device=torch.device('cpu'), **(settings or {})
        )

    return make
