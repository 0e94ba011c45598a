"""From a generated video to its blinks: all of them, and no others."""

import csv
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from ocec.apis import eye_classifier
from ocec.apis.blink_clip import make_blink_clip
from ocec.apis.infer_video import infer_video
from ocec.functional.blink_match import match_closures
from ocec.synthesis.blink_clip import BlinkClip, ClipSettings
from ocec.synthesis.eyes import OPEN_APERTURE

pytest.importorskip('av')

CLIP = {'duration_s': 14.0, 'fps': 25.0, 'width': 240, 'height': 180, 'seed': 5}


def features(crop):
    """24 x 12 greys without their mean, by contrast."""
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (24, 12)).astype(float)
    return ((grey - grey.mean()) / (grey.std() + 1)).ravel()


def fit_classifier(num_frames):
    """Logistic regression on the eyes of the first frames of this very face."""
    rows, labels = [], []
    frames = BlinkClip(ClipSettings(**CLIP)).frames()
    for frame, _ in zip(frames, range(num_frames), strict=False):
        for eye, (x1, y1, x2, y2) in frame.boxes.items():
            crop = frame.image_HWC[int(y1) : int(y2), int(x1) : int(x2)]
            rows.append(features(crop))
            labels.append(frame.apertures[eye] >= OPEN_APERTURE)
    x_NF = torch.tensor(np.array(rows), dtype=torch.float32)
    y_N = torch.tensor(labels, dtype=torch.float32)
    assert 0.02 < 1 - y_N.mean() < 0.5
    layer = torch.nn.Linear(x_NF.shape[1], 1)
    torch.nn.init.zeros_(layer.weight)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02, weight_decay=1e-3)
    weight = (y_N == 1).float().mean() / (y_N == 0).float().mean()
    weight_N = torch.where(y_N == 1, 1.0, weight)
    for _ in range(300):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            layer(x_NF)[:, 0], y_N, weight=weight_N
        )
        loss.backward()
        optimizer.step()

    def predict_crops(crops):
        x_BF = torch.tensor(np.array([features(crop) for crop in crops]))
        with torch.no_grad():
            return torch.sigmoid(layer(x_BF.float()))[:, 0].numpy()

    return SimpleNamespace(threshold=0.5, predict_crops=predict_crops)


def read_closures(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('dropped', [0.0, 0.2])
def test_precision_and_recall_are_one(tmp_path, monkeypatch, dropped):
    folder = make_blink_clip(tmp_path / 'clip', **CLIP, dropped=dropped)
    # of the frames after 7 s the classifier knows nothing
    classifier = fit_classifier(num_frames=175)
    monkeypatch.setattr(eye_classifier, 'EyeClassifier', lambda *a, **k: classifier)
    infer_video(
        str(folder / 'clip.mp4'),
        model='none',
        detector=f'csv:{folder / "boxes.csv"}',
        out_dir=str(tmp_path / 'out'),
    )
    found = read_closures(tmp_path / 'out/closures.csv')
    truth = read_closures(folder / 'truth.csv')
    for eye in ('left', 'right', 'both'):
        sides = [[row for row in rows if row['eye'] == eye] for rows in (found, truth)]
        intervals = [
            [(float(row['start_s']), float(row['end_s'])) for row in rows]
            for rows in sides
        ]
        match = match_closures(*intervals)
        assert (match.precision, match.recall) == (1.0, 1.0), (eye, intervals)
        assert len(intervals[1]) >= 3
        for f, t in match.pairs:
            assert sides[0][f]['kind'] == sides[1][t]['kind']
        assert abs(match.start_error_s) < 0.06
        assert abs(match.end_error_s) < 0.08
