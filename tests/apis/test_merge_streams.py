import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.merge_streams import merge_streams
from ocec.engine.checkpoint_io import file_sha256, save_atomically
from ocec.registry import MODELS

RGB = {'type': 'XShiftNet', 'base_channels': 8, 'depths': (1, 1, 1)}
POSE = {
    **{'type': 'XShiftNet', 'base_channels': 8, 'depths': (1, 1)},
    **{'in_channels': 5, 'stem_stride': 1},
}
EPAM = {
    **{'type': 'EPAMNet', 'rgb_path': RGB, 'pose_path': POSE},
    'attention': {'type': 'PoseAttention'},
}
CONV3D = {
    **{'type': 'RGBPoseConv3D', 'rgb_channels': 16, 'pose_channels': 8},
    'num_keypoints': 5,
}


def model_config(backbone, num_classes=4):
    head = {'type': 'TwoStreamHead', 'num_classes': num_classes}
    return {'type': 'ActionRecognizer', 'backbone': backbone, 'head': head}


def build(backbone, seed=0, num_classes=4):
    torch.manual_seed(seed)
    model = MODELS.build(model_config(backbone, num_classes))
    model.init_weights()
    return model


@pytest.fixture
def save(tmp_path):
    """Write the checkpoint of a model and tell where."""

    def write(model, name, **extra):
        state = {**model.state_dict(), **extra}
        save_atomically({'meta': {}, 'state_dict': state}, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def write_model_config(tmp_path):
    def write(backbone):
        path = tmp_path / 'both.py'
        path.write_text(f'model = {model_config(backbone)!r}\n')
        return path

    return write


@pytest.fixture
def alone(save):
    """Checkpoints of both streams, trained alone."""
    rgb = build({**EPAM, 'pose_path': None, 'attention': None}, seed=1)
    pose = build({**EPAM, 'rgb_path': None, 'attention': None}, seed=2)
    return {
        'rgb_checkpoint': save(rgb, 'rgb.pth'),
        'pose_checkpoint': save(pose, 'pose.pth'),
    }, (rgb, pose)


def load(path):
    return torch.load(path, weights_only=True)


def test_each_stream_begins_with_what_it_said_alone(
    alone, tmp_path, write_model_config, capsys
):
    files, (rgb, pose) = alone
    config = write_model_config(EPAM)
    report = merge_streams(**files, out=tmp_path / 'both.pth', config=config)
    content = load(tmp_path / 'both.pth')
    both = build(EPAM, seed=3)
    missing, unexpected = both.load_state_dict(content['state_dict'], strict=False)
    assert unexpected == []
    assert all(name.startswith('backbone.attention.') for name in missing)
    attention = both.backbone.attention.state_dict()
    assert report.fresh == [f'backbone.attention.{name}' for name in attention]
    inputs = {'rgb': torch.randn(2, 3, 2, 32, 32), 'heatmap': torch.rand(2, 5, 4, 8, 8)}
    found = both.eval()(inputs)
    assert torch.equal(found['pose'], pose.eval()(inputs)['pose'])
    both.backbone.attention = None
    assert torch.equal(both(inputs)['rgb'], rgb.eval()(inputs)['rgb'])
    assert content['meta']['parts'] == ['backbone.rgb_path.', 'backbone.pose_path.']
    assert content['meta']['merge'] == {
        stream: {'file': str(path), 'sha256': file_sha256(path)}
        for stream, path in zip(('rgb', 'pose'), files.values(), strict=True)
    }
    counts = {s: len(m.state_dict()) for s, m in (('rgb', rgb), ('pose', pose))}
    assert report.num_tensors == counts
    assert report.padded == []
    assert capsys.readouterr().out == (
        f'{tmp_path / "both.pth"}: {counts["rgb"]} tensors of rgb, {counts["pose"]} '
        'tensors of pose\nbegin anew: backbone.attention\n'
    )


def test_of_a_model_with_both_streams_one_is_taken(alone, save, tmp_path):
    files, (_, pose) = alone
    both = build(EPAM, seed=5)
    rgb_file = save(both, 'both_before.pth')
    out = tmp_path / 'out.pth'
    report = merge_streams(rgb_file, files['pose_checkpoint'], out=out)
    state = load(out)['state_dict']
    assert report.fresh is None
    assert not any('attention' in name for name in state)
    for name, x in both.state_dict().items():
        if name.startswith(('backbone.rgb_path.', 'head.fc.rgb.')):
            assert torch.equal(state[name], x)
    for name, x in pose.state_dict().items():
        assert torch.equal(state[name], x)


def test_connections_between_the_streams_begin_with_zeros(
    save, tmp_path, write_model_config, capsys
):
    rgb = build({**CONV3D, 'streams': ['rgb']}, seed=1)
    pose = build({**CONV3D, 'streams': ['pose']}, seed=2)
    files = (save(rgb, 'rgb.pth'), save(pose, 'pose.pth'))
    config, out = write_model_config(CONV3D), tmp_path / 'both.pth'
    report = merge_streams(*files, out=out, config=config)
    # first convolution and shortcut of two stages of each stream
    assert len(report.padded) == 8
    both = build(CONV3D, seed=3)
    state = load(out)['state_dict']
    missing, unexpected = both.load_state_dict(state, strict=False)
    assert unexpected == []
    assert all('_to_' in name for name in missing)
    inputs = {'rgb': torch.randn(1, 3, 1, 32, 32), 'heatmap': torch.rand(1, 5, 4, 8, 8)}
    found = both.eval()(inputs)
    for model, stream in ((rgb, 'rgb'), (pose, 'pose')):
        expected = model.eval()(inputs)[stream]
        torch.testing.assert_close(found[stream], expected)
    printed = capsys.readouterr().out
    assert 'with zeros for the other stream: backbone.rgb_path.stages.2.0' in printed
    assert 'begin anew: backbone.pose_to_rgb, backbone.rgb_to_pose' in printed


def test_constants_of_the_preprocessor_come_along(save, tmp_path):
    rgb = build({**EPAM, 'pose_path': None, 'attention': None})
    pose = build({**EPAM, 'rgb_path': None, 'attention': None})
    name, mean = 'data_preprocessor.mean', torch.tensor([1.0, 2.0, 3.0])
    files = (
        save(rgb, 'rgb.pth', **{name: mean}),
        save(pose, 'pose.pth', **{name: mean.clone(), 'data_preprocessor.sigma': mean}),
    )
    report = merge_streams(*files, out=tmp_path / 'both.pth')
    state = load(tmp_path / 'both.pth')['state_dict']
    assert torch.equal(state[name], mean)
    assert 'data_preprocessor.sigma' in state
    assert report.num_tensors['rgb'] == len(rgb.state_dict())
    other = save(pose, 'other.pth', **{name: mean + 1})
    with pytest.raises(ConfigError, match=f'were trained with other {name}'):
        merge_streams(files[0], other, out=tmp_path / 'both.pth')


def test_ema_weights_or_raw_ones(alone, tmp_path):
    files, (rgb, _) = alone
    raw = {
        f'module.{n}': x + 1
        for n, x in rgb.state_dict().items()
        if x.is_floating_point()
    }
    content = {**load(files['rgb_checkpoint']), 'ema_state_dict': raw}
    save_atomically(content, files['rgb_checkpoint'])
    name = 'head.fc.rgb.weight'
    for weights, added in (('ema', 0), ('raw', 1)):
        merge_streams(**files, out=tmp_path / 'both.pth', weights=weights)
        found = load(tmp_path / 'both.pth')['state_dict'][name]
        assert torch.equal(found, rgb.state_dict()[name] + added)


def test_checkpoints_that_do_not_go_together(alone, save, tmp_path, write_model_config):
    files, _ = alone
    out = tmp_path / 'both.pth'
    swapped = (files['pose_checkpoint'], files['rgb_checkpoint'])
    message = r'pose.pth has no rgb stream: no weight backbone.rgb_path.\*'
    with pytest.raises(ConfigError, match=message):
        merge_streams(*swapped, out=out)
    alone_pose = {**EPAM, 'rgb_path': None, 'attention': None}
    other = save(build(alone_pose, num_classes=9), 'nine.pth')
    message = r'other numbers of classes: .*rgb.pth has 4, .*nine.pth has 9'
    with pytest.raises(ConfigError, match=message):
        merge_streams(files['rgb_checkpoint'], other, out=out)
    with pytest.raises(ConfigError, match='gone.pth: no such checkpoint'):
        merge_streams(tmp_path / 'gone.pth', other, out=out)
    deeper = write_model_config({**EPAM, 'rgb_path': {**RGB, 'depths': (1, 1)}})
    with pytest.raises(ConfigError, match=r'both.py has no backbone.rgb_path.stages.2'):
        merge_streams(**files, out=out, config=deeper)
    wider = write_model_config({**EPAM, 'rgb_path': {**RGB, 'base_channels': 16}})
    message = (
        r'stem.0.weight has shape \(8, 3, 3, 3\), in the model of .* \(16, 3, 3, 3\)'
    )
    with pytest.raises(ConfigError, match=message):
        merge_streams(**files, out=out, config=wider)
    assert not out.exists()
