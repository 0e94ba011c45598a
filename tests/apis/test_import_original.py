"""Expected numbers: the original's networks from plain torch layers."""

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.import_original import import_original
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.stored_config import write_stored_config
from ocec.registry import MODELS

NETS = Path(__file__).parents[1] / 'engine' / 'test_original_checkpoint.py'
MEAN, STD = [0.4, 0.3, 0.2], [0.2, 0.25, 0.3]


@pytest.fixture(scope='module')
def nets():
    """The module with the original's networks."""
    spec = importlib.util.spec_from_file_location('original_nets', NETS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_original(nets, tmp_path):
    """Write a file as the original's trainer does; returns the net and the path."""

    def make(variant='baseline', head='avg', **changes):
        net, checkpoint = nets.original_checkpoint(variant, head)
        spread_logits(net)
        checkpoint |= {
            'optimizer_state': {'state': {}, 'param_groups': [{'lr': 1e-4}]},
            'scaler_state': None,
            'val_metrics': {'f1': 0.9},
            'label_map': {'closed': 0, 'open': 1},
            **changes,
        }
        path = tmp_path / 'ocec_best_epoch0004_f1_0.9000.pt'
        torch.save(checkpoint, path)
        return net, path

    return make


def some_images():
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (16, 3, 32, 64), dtype=torch.uint8, generator=generator)


def logits_of_theirs(net, images_BCHW):
    mean, std = (torch.tensor(x, dtype=torch.float64) for x in (MEAN, STD))
    x_BCHW = (images_BCHW.double() / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        return copy.deepcopy(net).double()(x_BCHW)


def spread_logits(net):
    """Scale the last layer, so that P(open) is not 1 for every image."""
    logits_B = logits_of_theirs(net, some_images())
    last = [m for m in net.modules() if isinstance(m, torch.nn.Linear)][-1]
    last.weight.data /= logits_B.std()
    last.bias.data -= logits_B.mean()
    last.bias.data /= logits_B.std()


@pytest.mark.parametrize(
    ('variant', 'head'),
    [
        (variant, head)
        for variant in ('baseline', 'inverted_se', 'convnext')
        for head in ('avg', 'avgmax_mlp')
    ]
    + [('convnext', 'transformer'), ('convnext', 'mlp_mixer')],
)
@pytest.mark.parametrize('is_told', [True, False])
def test_the_same_p_open(variant, head, is_told, make_original, tmp_path):
    settings = {} if is_told else {'model_config': None}
    net, path = make_original(variant, head, **settings)
    imported = import_original(path, tmp_path / 'ours.pth', token_grid='2x4')
    write_stored_config(imported, 'ours.pth', tmp_path / 'stored.py')
    ours = MODELS.build(Config.fromfile(tmp_path / 'stored.py').model).eval()
    ours.load_state_dict(torch.load(tmp_path / 'ours.pth')['state_dict'])
    images_BCHW = some_images()
    expected_B = logits_of_theirs(net, images_BCHW).sigmoid()
    assert expected_B.std() > 0.1
    prepared = ours.data_preprocessor({'inputs': images_BCHW})['inputs']
    with torch.no_grad():
        # float64 leaves differences of the architecture only
        found_B = ours.double()(prepared.double()).squeeze(-1).sigmoid()
    torch.testing.assert_close(found_B, expected_B, rtol=0, atol=1e-6)


def test_it_can_be_tested_as_it_is(make_original, make_eye_parquet, tmp_path):
    net, path = make_original()
    import_original(path, tmp_path / 'ours.pth')
    scored = score_checkpoint(
        tmp_path / 'ours.pth', data=make_eye_parquet(), split='val'
    )
    images_BCHW = scored.dataset.__getitems__(range(len(scored.dataset)))['inputs']
    expected_B = logits_of_theirs(net, images_BCHW).sigmoid()
    np.testing.assert_allclose(scored.scores['prob_B'], expected_B, rtol=0, atol=1e-5)


def test_what_is_kept_and_what_is_not(make_original, tmp_path):
    _, path = make_original()
    imported = import_original(path, tmp_path / 'ours.pth')
    assert set(imported) == {'meta', 'state_dict'}
    assert imported['meta']['epoch'] == 4
    assert imported['meta']['dataset_meta'] == {'classes': ('closed', 'open')}
    assert imported['meta']['imported']['file'] == path.name
    assert str(tmp_path) not in imported['meta']['cfg']
    constants = imported['state_dict']['data_preprocessor.mean'].flatten().tolist()
    assert constants == pytest.approx([102, 76.5, 51])


def test_a_bare_file_needs_to_be_told(make_original, tmp_path):
    net, path = make_original(normalization=None, model_config=None)
    out = tmp_path / 'ours.pth'
    for known, missing in (
        ({}, 'does not tell the mean of its normalisation: give it with --mean R G B'),
        ({'mean': MEAN}, 'does not tell the std'),
        ({'mean': MEAN, 'std': [0, 1, 1]}, r'--std must be > 0, got \[0, 1, 1\]'),
        ({'mean': MEAN, 'std': STD}, 'does not tell its image size.*--image-size HxW'),
    ):
        with pytest.raises(ConfigError, match=missing):
            import_original(path, out, **known)
    assert not out.exists()
    imported = import_original(path, out, mean=MEAN, std=STD, image_size='32x64')
    stem = imported['state_dict']['backbone.stem.0.weight']
    assert torch.equal(stem, net.state_dict()['stem.0.weight'])


def test_tokens_need_their_grid(make_original, tmp_path):
    _, path = make_original('convnext', 'transformer')
    with pytest.raises(ConfigError, match='does not tell the grid of its tokens'):
        import_original(path, tmp_path / 'a.pth')
    with pytest.raises(ConfigError, match='--token-grid: image_size must be'):
        import_original(path, tmp_path / 'a.pth', token_grid='2xx')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'image_size': '24x40'}, r'was trained with \(32, 64\)'),
        ({'image_size': 'big'}, '--image-size: image_size must be'),
        ({'mean': [0, 0, 0]}, r'--mean: .* holds another one, \[0.4, 0.3, 0.2\]'),
    ],
)
def test_settings_against_the_file(settings, message, make_original, tmp_path):
    _, path = make_original()
    with pytest.raises(ConfigError, match=message):
        import_original(path, tmp_path / 'a.pth', **settings)


def test_what_cannot_be_imported(make_original, nets, tmp_path):
    out = tmp_path / 'a.pth'
    with pytest.raises(ConfigError, match='gone.pt: no such checkpoint'):
        import_original('gone.pt', out)
    torch.save({'state_dict': {}}, tmp_path / 'ours.pth')
    with pytest.raises(ConfigError, match='no checkpoint of the original OCEC trainer'):
        import_original(tmp_path / 'ours.pth', out)
    _, path = make_original(label_map={'open': 0, 'closed': 1})
    with pytest.raises(ValueError, match='label_map is .*, and 1 must stand for open'):
        import_original(path, out)
    net, checkpoint = nets.original_checkpoint()
    weights = checkpoint['model_state']
    _, path = make_original(
        model_state={**weights, 'margin_head.weight': torch.zeros(2, 32)}
    )
    with pytest.raises(ValueError, match='no head is left: the margin.*--pretrain'):
        import_original(path, out)
    _, path = make_original(model_state={'conv.weight': 1, 'head.0.weight': 1})
    with pytest.raises(ValueError, match='none of baseline, inverted_se and convnext'):
        import_original(path, out)
    _, path = make_original(model_state={**weights, 'head.9.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match='1 of its weights have no place in the model'):
        import_original(path, out)
    _, path = make_original('convnext')
    forked = torch.load(path)
    key = 'features.0.0.pwconv1.weight'
    forked['model_state'][key] = forked['model_state'][key][..., None, None]
    torch.save(forked, path)
    with pytest.raises(ValueError, match='the convnext of the fork normalises'):
        import_original(path, out)
    assert not out.exists()
