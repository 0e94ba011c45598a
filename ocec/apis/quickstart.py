"""From nothing to a trained, tested classifier."""

from __future__ import annotations

import sys
from pathlib import Path

from ocec.apis.analyze_errors import analyze_errors
from ocec.apis.export_onnx import export_onnx
from ocec.apis.sample_data import make_sample_eyes
from ocec.apis.test import test
from ocec.apis.train import train
from ocec.datasets.eye_table import SPLITS, find_parquet_files, read_eye_table

CONFIG = 'configs/ocec/ocec-baseline_1xb256-8e_sampleeye-32x64.py'
SAMPLE_DATA = 'data/sample_eyes.parquet'
WORK_DIR = 'work_dirs/quickstart'
SHOWN_METRICS = ('f1', 'precision', 'recall', 'accuracy', 'auc', 'ap')


def quickstart(data: str | None = None, *, work_dir: str = WORK_DIR) -> None:
    """Generate eyes unless data are given, train the smallest config, test, export.

    A training that a signal stops is the end of it.

    Args:
        data: your own parquet file, folder or pattern; None generates eyes.
        work_dir: folder of the run.
    """
    own = data is not None
    if not own:
        make_sample_eyes(SAMPLE_DATA)
    source = data if own else SAMPLE_DATA
    split = _test_split(source)
    options = [] if split == 'test' else [f'test_dataloader.dataset.split={split}']
    result = train(CONFIG, work_dir=work_dir, data=source, cfg_options=options)
    if result.stopped_by:
        return  # the training has said how to go on
    checkpoint = result.work_dir / result.best['file']
    predictions = result.work_dir / 'predictions.csv'
    metrics = test(
        CONFIG,
        checkpoint,
        work_dir=work_dir,
        data=source,
        cfg_options=options,
        out=predictions,
    )
    analyze_errors(
        checkpoint, data=source, split=split, out=result.work_dir / 'errors.html'
    )
    exported = export_onnx(checkpoint, out=result.work_dir / 'model.onnx', data=source)
    model = exported.files.get('fp32')
    print(_summary(metrics, split, checkpoint, predictions, source, model))
    if model is None:
        raise RuntimeError(
            'the exported file does not say what the checkpoint says: see the table '
            f'above and {exported.parity}'
        )


def _test_split(source: str) -> str:
    """Return ``test`` where the data have one, else ``val``, and say so."""
    table = read_eye_table(find_parquet_files(source))
    if (table.split_N == SPLITS.index('test')).any():
        return 'test'
    print(
        f'{source} has no test split: the test below uses val, on which the best epoch '
        'was chosen, so its numbers are a little too good'
    )
    return 'val'


def _summary(metrics, split: str, checkpoint, predictions, source, model) -> str:
    numbers = '  '.join(f'{n} {metrics[f"eye/{n}"]:.4f}' for n in SHOWN_METRICS)
    folder = Path(checkpoint).parent
    python = _python()
    return f"""
{split}: {numbers}

checkpoint    {checkpoint}
predictions   {predictions}
error page    {folder / 'errors.html'}
ONNX          {model}
metrics       {folder / 'metrics.jsonl'}
TensorBoard   tensorboard --logdir {folder / 'vis_data'}

Next:
  {python} tools/train.py {CONFIG} --data {source} --work-dir work_dirs/longer \\
      --cfg-options train_cfg.max_epochs=16
  {python} tools/test.py {CONFIG} {checkpoint} \\
      --data {source} --out work_dirs/predictions.csv
  PYTHON={python} tools/dist_train.sh {CONFIG} 2 \\
      --data {source} --work-dir work_dirs/two_ranks
"""


def _python() -> str:
    """Return how to call this interpreter from the current folder."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        return str(python.relative_to(Path.cwd()))
    return str(python)
