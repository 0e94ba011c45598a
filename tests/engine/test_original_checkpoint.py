"""The original's networks, as its checkpoints name them, from plain torch layers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocec.engine.original_checkpoint import (
    convert_original,
    is_original,
    original_to_ours,
)
from ocec.registry import MODELS

SIZE = (32, 64)


class ChannelNorm(nn.Module):
    """Layer norm over channels, one level deeper than here."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x):
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)


def convolution(inputs, outputs, kernel, *, stride=1, groups=1):
    padding = kernel // 2
    return nn.Conv2d(
        inputs, outputs, kernel, stride, padding, groups=groups, bias=False
    )


class Separable(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.depthwise = nn.Sequential(
            convolution(inputs, inputs, 3, stride=stride, groups=inputs),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
        )
        self.pointwise = nn.Sequential(
            convolution(inputs, outputs, 1), nn.BatchNorm2d(outputs)
        )

    def forward(self, x):
        out = self.pointwise(self.depthwise(x))
        return F.relu(out + x if out.shape == x.shape else out)


class Excite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(channels, channels // 8, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 8, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.fc(x.mean((2, 3), keepdim=True))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        hidden = 4 * inputs
        self.block = nn.Sequential(
            convolution(inputs, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            convolution(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            Excite(hidden),
            convolution(hidden, outputs, 1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        out = self.block(x)
        return F.silu(out + x if out.shape == x.shape else out)


class Halving(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.op = nn.Sequential(ChannelNorm(inputs), nn.Conv2d(inputs, outputs, 2, 2))

    def forward(self, x):
        return self.op(x)


class NextBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        y = self.norm(self.dwconv(x)).movedim(1, -1)
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.movedim(-1, 1)


def next_block(inputs, outputs, stride):
    halving = [Halving(inputs, outputs)] if stride == 2 else []
    return nn.Sequential(*halving, NextBlock(outputs))


class Mixer(nn.Module):
    def __init__(self, tokens, channels):
        super().__init__()
        self.norm_tokens, self.norm_channels = (nn.LayerNorm(channels) for _ in '12')
        self.token_fc1 = nn.Linear(tokens, 2 * tokens)
        self.token_fc2 = nn.Linear(2 * tokens, tokens)
        self.channel_fc1 = nn.Linear(channels, 2 * channels)
        self.channel_fc2 = nn.Linear(2 * channels, channels)

    def forward(self, x):
        y = self.norm_tokens(x).mT
        x = x + self.token_fc2(F.gelu(self.token_fc1(y))).mT
        y = self.norm_channels(x)
        return x + self.channel_fc2(F.gelu(self.channel_fc1(y)))


class TokenHead(nn.Module):
    def __init__(self, channels, kind):
        super().__init__()
        if kind == 'transformer':
            layer = nn.TransformerEncoderLayer(
                channels,
                nhead=8,
                dim_feedforward=128,
                activation='gelu',
                batch_first=True,
                norm_first=True,
            )
            self.mixer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        else:
            self.mixer = nn.Sequential(Mixer(8, channels), Mixer(8, channels))
        self.final_norm = nn.LayerNorm(channels)
        self.fc = nn.Linear(channels, 1)

    def forward(self, x):
        tokens = F.adaptive_avg_pool2d(x, (2, 4)).flatten(2).mT
        return self.fc(self.final_norm(self.mixer(tokens).mean(1)))


class PooledHead(nn.Sequential):
    def forward(self, x):
        pooled = x.mean((2, 3))
        if self[0].num_features == 2 * x.shape[1]:
            pooled = torch.cat((pooled, x.amax((2, 3))), 1)
        return super().forward(pooled)


def pooled_head(channels, kind, dropout):
    drop = nn.Dropout(dropout) if dropout else nn.Identity()
    if kind == 'avg':
        return PooledHead(nn.BatchNorm1d(channels), drop, nn.Linear(channels, 1))
    more = [nn.Dropout(dropout)] if dropout else []
    return PooledHead(
        nn.BatchNorm1d(2 * channels),
        drop,
        nn.Linear(2 * channels, max(16, channels)),
        nn.ReLU(),
        *more,
        nn.Linear(max(16, channels), 1),
    )


class OriginalNet(nn.Module):
    """stem, features, head: base channels 16, three blocks of which the last halves."""

    def __init__(self, variant, head, dropout=0.3):
        super().__init__()
        if variant == 'convnext':
            stem, block = [nn.Conv2d(3, 16, 4, 4), ChannelNorm(16)], next_block
        elif variant == 'inverted_se':
            stem, block = [*self.stage(3, 1), *self.stage(16, 2)], Inverted
        else:
            stem, block = [convolution(3, 16, 3, stride=2)], Separable
            stem += [nn.BatchNorm2d(16), nn.ReLU()]
        self.stem = nn.Sequential(*stem)
        self.features = nn.Sequential(
            block(16, 16, 1), block(16, 16, 1), block(16, 32, 2)
        )
        if head in ('avg', 'avgmax_mlp'):
            self.head = pooled_head(32, head, dropout)
        else:
            self.head = TokenHead(32, head)

    @staticmethod
    def stage(inputs, stride):
        return [
            convolution(inputs, 16, 3, stride=stride),
            nn.BatchNorm2d(16),
            nn.SiLU(),
        ]

    def forward(self, x):
        return self.head(self.features(self.stem(x)))[:, 0]


def trained(net):
    """Give every weight and statistic a value that no layer starts with."""
    torch.manual_seed(0)
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            value += 0.1 * torch.rand_like(value)
        if name.endswith('gamma'):
            value.fill_(0.7)
    return net.eval()


def original_checkpoint(variant='baseline', head='avg', dropout=0.3):
    net = trained(OriginalNet(variant, head, dropout))
    return net, {
        'epoch': 4,
        'model_state': net.state_dict(),
        'model_config': {
            'base_channels': 16,
            'num_blocks': 3,
            'dropout': dropout,
            'arch_variant': variant,
            'head_variant': head,
        },
        'normalization': {
            'mean': [0.4, 0.3, 0.2],
            'std': [0.2, 0.25, 0.3],
            'image_size': list(SIZE),
        },
    }


def build_ours(model_config):
    preprocessor = {'type': 'ImagePreprocessor', 'mean': [0.0] * 3, 'std': [1.0] * 3}
    head = {**model_config['head'], 'loss': {'type': 'BCELoss', 'pos_weight': 1.0}}
    return MODELS.build(
        {**model_config, 'head': head, 'data_preprocessor': preprocessor}
    ).eval()


@pytest.mark.parametrize(
    ('variant', 'head', 'dropout'),
    [
        ('baseline', 'avg', 0.3),
        ('baseline', 'avgmax_mlp', 0.0),
        ('inverted_se', 'avgmax_mlp', 0.3),
        ('convnext', 'transformer', 0.3),
        ('convnext', 'mlp_mixer', 0.3),
    ],
)
def test_same_logits_from_the_same_pixels(variant, head, dropout):
    net, checkpoint = original_checkpoint(variant, head, dropout)
    assert is_original(checkpoint)
    state, model_config, notes = convert_original(checkpoint, 'a.pt')
    assert notes == []
    ours = build_ours(model_config)
    missing, unexpected = ours.load_state_dict(state, strict=False)
    assert unexpected == []
    assert [n for n in missing if 'loss_module' not in n] == []
    pixels = torch.randint(256, (5, 3, *SIZE), dtype=torch.uint8)
    prepared = ours.data_preprocessor({'inputs': pixels})['inputs']
    # the original scales to [0, 1] and normalises with fractions
    mean, std = torch.tensor([0.4, 0.3, 0.2]), torch.tensor([0.2, 0.25, 0.3])
    theirs = (pixels / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        expected = net(theirs)
        assert expected.std() > 1e-4
        torch.testing.assert_close(ours(prepared), expected, rtol=1e-4, atol=1e-4)


def test_what_the_file_tells_of_its_model():
    _, checkpoint = original_checkpoint('inverted_se', 'avg')
    del checkpoint['model_config']['head_variant']
    checkpoint['normalization']['image_size'] = 48
    state, model, _ = convert_original(checkpoint, 'a.pt')
    assert model == {
        'type': 'ImageClassifier',
        'backbone': {'type': 'OCECInvertedSE', 'base_channels': 16, 'num_blocks': 3},
        'head': {'type': 'AutoHead'},
        'input_size': (48, 48),
    }
    assert state['data_preprocessor.mean'].shape == (3, 1, 1)
    assert state['data_preprocessor.mean'].flatten().tolist() == pytest.approx(
        [102, 76.5, 51]
    )


def test_weights_alone_tell_no_normalisation():
    net, _ = original_checkpoint()
    wrapped = {f'module.{name}': x for name, x in net.state_dict().items()}
    state, model, _ = convert_original({'model_state': wrapped}, 'a.pt')
    assert model is None
    assert not [name for name in state if name.startswith('data_preprocessor')]
    assert 'backbone.stem.0.weight' in state


@pytest.mark.parametrize('name', ['margin_head', 'arc_head'])
def test_a_margin_is_left_out_with_its_head(name):
    _, checkpoint = original_checkpoint()
    checkpoint['model_state'][f'{name}.weight'] = torch.zeros(2, 32)
    state, _, [note] = convert_original(checkpoint, 'a.pt')
    assert all(not key.startswith(('head', name)) for key in state)
    assert 'backbone.blocks.2.pointwise.1.running_var' in state
    assert note.endswith('both are left out')


def test_the_fork_normalises_convnext_otherwise():
    _, checkpoint = original_checkpoint('convnext', 'avg')
    key = 'features.0.0.pwconv1.weight'
    checkpoint['model_state'][key] = checkpoint['model_state'][key][..., None, None]
    with pytest.raises(ValueError, match='a.pt: the convnext of the fork normalises'):
        convert_original(checkpoint, 'a.pt')


def test_unknown_names_stay():
    assert original_to_ours('classifier.weight', {}) == 'classifier.weight'


def test_ours_is_not_taken_for_the_original():
    assert not is_original({'state_dict': {}})
    assert not is_original({'model_state': 3})
