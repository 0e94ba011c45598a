import pytest
import torch

from ocec.engine.epam_checkpoint import convert_epam, epam_to_ours, read_epam_state


def pair(prefix, last=('weight', 'bias', 'running_mean', 'running_var')):
    """Names of a convolution without bias and its batch norm."""
    norm = [f'{prefix}.bn.{name}' for name in (*last, 'num_batches_tracked')]
    return [f'{prefix}.conv.weight', *norm]


def released_names():
    """As the description of the released files has them."""
    names = []
    for stream, depths in (('rgb', (3, 5, 11, 7)), ('pose', (5, 11, 7))):
        backbone = f'{stream}_backbone'
        names += pair(f'{backbone}.conv1_s')
        for layer, depth in enumerate(depths, start=1):
            for block in range(depth):
                at = f'{backbone}.layer{layer}.{block}'
                for conv in ('conv1', 'conv2', 'conv3'):
                    names += pair(f'{at}.{conv}')
                if block == 0:
                    names += pair(f'{at}.downsample')
                if block % 2 == 0:
                    names += [
                        f'{at}.se_module.{fc}.{kind}'
                        for fc in ('fc1', 'fc2')
                        for kind in ('weight', 'bias')
                    ]
        names += pair(f'{backbone}.conv5')
        names += [f'{stream}_cls_head.fc_cls.{kind}' for kind in ('weight', 'bias')]
    names += pair('attention_module.spatial')
    return [*names, 'attention_module.conv_temporal_attention.weight']


def test_all_names_have_a_place_of_their_own(epam_conv3d):
    names = released_names()
    assert len(names) == len(set(names)) == 1_071
    with torch.device('meta'):
        assert set(epam_conv3d.EPAMConv3d().state_dict()) == set(names)
    places = [epam_to_ours(name) for name in names]
    assert None not in places
    assert len(set(places)) == 1_071


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        ('rgb_backbone.conv1_s.conv.weight', 'backbone.rgb_path.stem.0.weight'),
        (
            'pose_backbone.layer3.6.conv3.bn.running_var',
            'backbone.pose_path.stages.2.6.project.1.running_var',
        ),
        (
            'rgb_backbone.layer2.0.downsample.conv.weight',
            'backbone.rgb_path.stages.1.0.shortcut.0.weight',
        ),
        (
            'rgb_backbone.layer4.2.se_module.fc2.bias',
            'backbone.rgb_path.stages.3.2.squeeze_excite.gate.2.bias',
        ),
        ('pose_backbone.conv5.bn.bias', 'backbone.pose_path.neck.1.bias'),
        ('attention_module.spatial.bn.weight', 'backbone.attention.spatial.1.weight'),
        (
            'attention_module.conv_temporal_attention.weight',
            'backbone.attention.temporal.weight',
        ),
        ('pose_cls_head.fc_cls.bias', 'head.fc.pose.bias'),
        ('rgb_cls_head.fc1.bias', None),
        ('rgb_backbone.layer1.0.conv4.conv.weight', None),
        ('rgb_backbone.layer1.0.norm.weight', None),
        ('attention_module.temporal.weight', None),
        ('flow_backbone.conv5.bn.bias', None),
    ],
)
def test_names(theirs, ours):
    assert epam_to_ours(theirs) == ours


def test_kernels_lose_their_first_dimension():
    weight, gate = torch.randn(6, 1, 1, 3, 3), torch.randn(2, 6, 1, 1, 1)
    temporal = torch.randn(1, 1, 7)
    found = convert_epam(
        {
            'rgb_backbone.layer1.0.conv2.conv.weight': weight,
            'rgb_backbone.layer1.0.se_module.fc1.weight': gate,
            'attention_module.conv_temporal_attention.weight': temporal,
        },
        'x.pth',
    )
    of_block = 'backbone.rgb_path.stages.0.0'
    assert torch.equal(found[f'{of_block}.depthwise.0.weight'], weight[:, :, 0])
    assert torch.equal(found[f'{of_block}.squeeze_excite.gate.0.weight'], gate[:, :, 0])
    assert found['backbone.attention.temporal.weight'] is temporal


def test_a_kernel_in_time_is_refused():
    state = {'rgb_backbone.conv1_s.conv.weight': torch.zeros(24, 3, 5, 1, 1)}
    with pytest.raises(ValueError, match='x.pth: .*a kernel of length 5 in time'):
        convert_epam(state, 'x.pth')


def test_unknown_names_are_counted_and_shown():
    state = {f'layer{i}.weight': torch.zeros(1) for i in range(5)}
    state['pose_cls_head.fc_cls.bias'] = torch.zeros(60)
    message = (
        'x.pth: 5 of 6 names are not those of EPAM-Net: layer0.weight, layer1.weight, '
        r'layer2.weight \.\.\.'
    )
    with pytest.raises(ValueError, match=message):
        convert_epam(state, 'x.pth')


@pytest.mark.parametrize('wrap', [lambda s: {'model_state_dict': s, 'epoch': 4}, dict])
def test_the_prefix_of_parallel_training_goes(wrap):
    state = {'module.rgb_backbone.conv5.bn.bias': torch.zeros(3)}
    found = read_epam_state(wrap(state), 'x.pth')
    assert list(found) == ['rgb_backbone.conv5.bn.bias']


@pytest.mark.parametrize('content', [{}, {'epoch': 3}, {'model_state_dict': {}}, [1]])
def test_a_file_without_weights(content):
    message = r'x.pth holds no weights of EPAM-Net \(model_state_dict\)'
    with pytest.raises(ValueError, match=message):
        read_epam_state(content, 'x.pth')
