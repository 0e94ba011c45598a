import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.import_epam import epam_model, import_epam
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.model_settings import read_stored_model
from ocec.registry import MODELS


@pytest.fixture(scope='module')
def released(epam_conv3d, tmp_path_factory):
    """A network with Conv3d, and its checkpoint as it is released."""
    torch.manual_seed(0)
    model = epam_conv3d.randomize(epam_conv3d.EPAMConv3d(7, 13)).eval()
    path = tmp_path_factory.mktemp('released') / 'epam.pth'
    state = {f'module.{name}': x for name, x in model.state_dict().items()}
    torch.save(
        {'epoch': 4, 'model_state_dict': state, 'optimizer_state_dict': {}}, path
    )
    return model, path


def rewrite(path, change):
    """Write a changed copy."""
    content = torch.load(path, weights_only=True)
    change(content['model_state_dict'])
    changed = path.with_name('changed.pth')
    torch.save(content, changed)
    return changed


def test_the_imported_network_says_the_same(released, tmp_path, capsys):
    theirs, path = released
    config = import_epam(path, out=tmp_path / 'ours.pth')
    content = load_safely(tmp_path / 'ours.pth')
    ours = MODELS.build(config).eval()
    ours.load_state_dict(content['state_dict'])
    inputs = {
        'rgb': torch.randn(1, 3, 2, 64, 64),
        'heatmap': torch.rand(1, 13, 4, 16, 16),
    }
    with torch.no_grad():
        found, expected = ours(inputs), theirs(inputs['rgb'], inputs['heatmap'])
    for stream, logits in zip(('rgb', 'pose'), expected, strict=True):
        scale = logits.abs().max().item()
        torch.testing.assert_close(found[stream], logits, rtol=0, atol=1e-4 * scale)
    # the file tells its model to those who start from it
    assert read_stored_model(content['meta']) == config == epam_model(7, 13)
    assert content['meta']['imported']['epoch'] == 4
    printed = capsys.readouterr().out
    assert printed == f'{tmp_path / "ours.pth"}: 1,071 tensors, 7 classes\n'


def test_a_part_that_is_missing(released, tmp_path):
    _, path = released

    def drop(state):
        for name in list(state):
            if 'attention_module' in name:
                del state[name]

    message = (
        'changed.pth is no checkpoint of EPAM-Net with its 107-parameter attention: '
        r'there is no backbone.attention.spatial.0.weight; .*; and 4 more'
    )
    with pytest.raises(ValueError, match=message):
        import_epam(rewrite(path, drop), out=tmp_path / 'ours.pth')

    def drop_head(state):
        del state['module.rgb_cls_head.fc_cls.weight']

    message = 'lacks a part of EPAM-Net: there is no head.fc.rgb.weight'
    with pytest.raises(ValueError, match=message):
        import_epam(rewrite(path, drop_head), out=tmp_path / 'ours.pth')


def test_what_has_no_place_or_another_shape(released, tmp_path):
    _, path = released

    def deepen(state):
        state['module.rgb_backbone.layer1.9.conv1.conv.weight'] = torch.zeros(
            54, 24, 1, 1, 1
        )
        name = 'module.pose_backbone.conv5.bn.bias'
        state[name] = state[name][:5]

    message = (
        'backbone.rgb_path.stages.0.9.expand.0.weight has no place; '
        r'backbone.pose_path.neck.1.bias has shape \(5,\), not \(216,\)$'
    )
    with pytest.raises(ValueError, match=message):
        import_epam(rewrite(path, deepen), out=tmp_path / 'ours.pth')
    assert not (tmp_path / 'ours.pth').exists()


def test_no_such_file(tmp_path):
    with pytest.raises(ConfigError, match='gone.pth: no such checkpoint'):
        import_epam(tmp_path / 'gone.pth', out=tmp_path / 'ours.pth')


def test_other_files_are_named(tmp_path):
    torch.save({'weight': 3}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='x.pth holds no weights of EPAM-Net'):
        import_epam(tmp_path / 'x.pth', out=tmp_path / 'ours.pth')
