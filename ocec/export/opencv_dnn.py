"""Run an ONNX file with OpenCV's DNN module, in a process of its own.

OpenCV refuses some graphs with an exception and some by crashing; both are told in
words, and neither takes the export with it. Shapes: N images.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

WARM_UP = 20
# a graph that OpenCV gets lost in must not hang the export
TIMEOUT = 600
PROGRAM = 'import sys; from ocec.export.opencv_dnn import work; work(sys.argv[1])'


@dataclass(frozen=True)
class OpenCVRun:
    """What OpenCV made of a file.

    Args:
        version: of OpenCV.
        prob_N: (N,) float32, an output of each batch; None where it could not run.
        seconds_R: (R,) duration of each single-image call.
        problem: why it could not; None where it could.
    """

    version: str
    prob_N: np.ndarray | None = None
    seconds_R: np.ndarray | None = None
    problem: str | None = None


def run_opencv(
    path: str | Path,
    batches: Sequence[np.ndarray],
    *,
    output: str = 'prob_open',
    repeats: int = 0,
) -> OpenCVRun:
    """Run a file on one thread.

    Args:
        path: of the ONNX file.
        batches: inputs as the graph takes them; all images of one are the same.
        output: name of the output, one number per image.
        repeats: R, timed calls with the first batch.

    Returns:
        The outputs in order, or the problem.
    """
    with tempfile.TemporaryDirectory(prefix='ocec-opencv-') as folder:
        task = {'path': str(Path(path).resolve()), 'output': output, 'repeats': repeats}
        (Path(folder) / 'task.json').write_text(json.dumps(task))
        arrays = {f'{index:09d}': batch for index, batch in enumerate(batches)}
        np.savez(Path(folder) / 'inputs.npz', **arrays)
        try:
            done = subprocess.run(
                [sys.executable, '-c', PROGRAM, folder],
                capture_output=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            problem = f'cannot run: no answer within {TIMEOUT} s'
            return OpenCVRun(cv2.__version__, problem=problem)
        if done.returncode:
            problem = f'OpenCV crashed (exit status {done.returncode})'
            # a crash is silent; an exception of Python says what it was
            if told := done.stderr.decode(errors='replace').strip():
                problem += f': {told.splitlines()[-1][:200]}'
            return OpenCVRun(cv2.__version__, problem=problem)
        return _read_answer(Path(folder))


def work(folder: str) -> None:
    """Run what :func:`run_opencv` wrote; the other process.

    Args:
        folder: with ``task.json`` and ``inputs.npz``; gets ``outputs.npz``, or
            ``problem.txt``.
    """
    cv2.setNumThreads(1)
    task = json.loads((Path(folder) / 'task.json').read_text())
    step = 'cannot load'
    try:
        net = cv2.dnn.readNetFromONNX(task['path'])
        step = 'cannot run'
        batches = list(_batches(Path(folder)))
        probs = [_call(net, batch, task['output']) for batch in batches]
        one = batches[0]
        for _ in range(WARM_UP if task['repeats'] else 0):
            _call(net, one, task['output'])
        seconds = [_seconds(net, one, task['output']) for _ in range(task['repeats'])]
    except cv2.error as error:
        reason = ' '.join(str(error.err or error).split())
        (Path(folder) / 'problem.txt').write_text(f'{step}: {reason[:200]}')
        return
    np.savez(
        Path(folder) / 'outputs.npz',
        prob_N=np.array(probs),
        seconds_R=np.array(seconds),
    )


def _read_answer(folder: Path) -> OpenCVRun:
    problem = folder / 'problem.txt'
    if problem.is_file():
        return OpenCVRun(cv2.__version__, problem=problem.read_text())
    with np.load(folder / 'outputs.npz') as outputs:
        return OpenCVRun(cv2.__version__, outputs['prob_N'], outputs['seconds_R'])


def _batches(folder: Path) -> Iterator[np.ndarray]:
    with np.load(folder / 'inputs.npz') as inputs:
        for name in sorted(inputs.files):
            yield inputs[name]


def _call(net, batch: np.ndarray, output: str) -> np.float32:
    net.setInput(batch)
    return np.float32(net.forward(output).ravel()[0])


def _seconds(net, image: np.ndarray, output: str) -> float:
    start = time.perf_counter()
    _call(net, image, output)
    return time.perf_counter() - start
