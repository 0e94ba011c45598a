"""A camera that never stops must not fill the memory."""

import json
import subprocess
import sys

import pytest
import torch

from ocec.apis.run_config import load_run_config
from ocec.registry import MODELS

FRAMES_PER_HOUR = 30 * 3600
WARM_UP = 1000
# 2,000 frames of 20x30 to 60x100 pixels are 16 MB
ALLOWED_MB = 4

PROGRAM = """
import json, sys
import numpy as np
from ocec.apis import EyeClassifier

def draw_frames(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        height, width = rng.integers(20, 61), rng.integers(30, 101)
        yield rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

def resident_mb():
    with open('/proc/self/status') as lines:
        (line,) = [line for line in lines if line.startswith('VmRSS')]
    return int(line.split()[1]) / 1024

checkpoint, count, warm_up = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
classifier = EyeClassifier(checkpoint, batch_size=2, threads=1)
memory, number = [], 0
for found in classifier.stream(draw_frames(count)):
    assert 0 <= found.prob_open <= 1 and found.row == number
    number += 1
    if number in (warm_up, count // 2, count):
        memory.append(resident_mb())
print(json.dumps([number, memory]))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
@pytest.mark.parametrize(
    'count', [3000, pytest.param(FRAMES_PER_HOUR, marks=pytest.mark.slow)]
)
def test_memory_stays(write_config, tmp_path, count):
    cfg = load_run_config(write_config(num_rows=4))
    weights = MODELS.build(cfg.model).state_dict()
    content = {'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights}
    torch.save(content, tmp_path / 'best.pth')
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM, 'best.pth', str(count), str(WARM_UP)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    number, memory = json.loads(done.stdout.splitlines()[-1])
    assert number == count
    assert memory[-1] - memory[0] < ALLOWED_MB, memory
