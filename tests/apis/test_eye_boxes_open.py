import numpy as np
import pytest

from ocec.apis import eye_boxes_deim, eye_boxes_yunet
from ocec.apis.errors import ConfigError
from ocec.apis.eye_boxes import CsvBoxes
from ocec.apis.eye_boxes_open import open_detector


def test_boxes_and_csv(tmp_path):
    found = open_detector('boxes:50,1,60,9;10,1,20,9').detect(np.zeros((9, 9, 3)), 0)
    assert [(box.x1, box.eye) for box in found] == [(10.0, 'left'), (50.0, 'right')]
    file = tmp_path / 'a:b.csv'  # a colon in the name
    file.write_text('frame,eye,x1,y1,x2,y2\n')
    assert isinstance(open_detector(f'csv:{file}'), CsvBoxes)


def test_settings_reach_the_networks(monkeypatch):
    for module, name in (
        (eye_boxes_yunet, 'YuNetDetector'),
        (eye_boxes_deim, 'DeimDetector'),
    ):
        monkeypatch.setattr(module, name, lambda path, **settings: (path, settings))
    assert open_detector('yunet:a.onnx', min_score=0.5) == (
        'a.onnx',
        {'min_score': 0.5},
    )
    assert open_detector('deim:/b/c.onnx', eye_class=3) == (
        '/b/c.onnx',
        {'eye_class': 3},
    )
    assert open_detector('deim:d.onnx') == ('d.onnx', {})


@pytest.mark.parametrize(
    ('text', 'settings', 'message'),
    [
        ('haar:x.xml', {}, "detector must be yunet:FILE.onnx, .* got 'haar:x.xml'"),
        ('yunet', {}, "detector must be .* got 'yunet'"),
        ('boxes:1,2,3', {}, r'boxes:1,2,3: a box is x1,y1,x2,y2'),
        ('boxes:a,2,3,4', {}, "could not convert string to float: 'a'"),
        ('boxes:1,2,3,4', {'eye_class': 1}, 'the detector boxes takes no eye-class'),
        ('yunet:a.onnx', {'eye_class': 1}, 'the detector yunet takes no eye-class'),
        ('deim:a.onnx', {'min_score': 1.5}, r'min-score must be in \[0, 1\], got 1.5'),
    ],
)
def test_wrong_texts_are_usage_errors(text, settings, message):
    with pytest.raises(ConfigError, match=message):
        open_detector(text, **settings)
