import copy
from dataclasses import replace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ocec.functional.probability import prob_open
from ocec.models.classifiers import PairClassifier
from ocec.registry import MODELS
from ocec.structures import BatchScores, PairTargets

RESNET = {'layers': (1, 1, 1), 'width_mult': 0.125, 'feat_dim': 16}
TOWERS = {
    'compare': {'type': 'CompareTower', 'widths': (8, 8), 'feat_dim': 16},
    'resnet': {'type': 'PairResNet', **RESNET},
    'bottleneck': {'type': 'PairResNet', **RESNET, 'block': 'bottleneck'},
    'cbam': {'type': 'PairResNet', **RESNET, 'attention': 'cbam'},
    'fpn': {'type': 'PairFPN', **RESNET, 'pyramid_channels': 8},
}
HEADS = {
    'concat': {'type': 'ConcatPairHead', 'hidden_channels': 8},
    'fusion': {'type': 'FusionPairHead'},
    'antisymmetric': {'type': 'AntisymmetricPairHead', 'hidden_channels': (16, 8)},
    'order': {'type': 'OrderPairHead'},
}
SIGN_FLIPPING = ('antisymmetric', 'order')
PREPROCESSOR = {'type': 'PairPreprocessor', 'mean': 16.0, 'std': 38.0}


def make_model(tower='resnet', head='fusion', **kwargs):
    torch.manual_seed(0)
    model = PairClassifier(TOWERS[tower], HEADS[head], **kwargs)
    model.init_weights()
    return model


def make_batch(num_pairs=16, size=12):
    """Pairs of which the larger digit is the brighter image."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(num_pairs) % 2
    pixels = torch.randint(0, 60, (num_pairs, 2, size, size), generator=generator)
    pixels[torch.arange(num_pairs), 1 - label] += 120
    ids = torch.arange(num_pairs)
    larger = torch.stack((8 * label, 8 * (1 - label)), dim=1)
    targets = PairTargets(
        label_B=label, sample_id_B=ids + 100, group_id_B=ids // 2, digit_B2=larger
    )
    return {'inputs': pixels.to(torch.uint8), 'data_samples': targets}


def trained(model, num_steps=3):
    """Move weights and running statistics away from where they start."""
    inputs, optimizer = torch.randn(8, 2, 12, 12), torch.optim.SGD
    optimizer = optimizer(model.parameters(), 0.1)
    for _ in range(num_steps):
        optimizer.zero_grad()
        logits = model.train()(inputs)
        nn.functional.softplus(-logits).mean().backward()
        optimizer.step()
    return model


# modes


def test_tensor_mode_is_the_head_on_both_features():
    model, inputs = trained(make_model()).eval(), torch.randn(3, 2, 12, 12)
    left, right = (model.backbone(inputs[:, [side]]) for side in (0, 1))
    expected = model.head(left, right)
    assert expected.shape == (3,)
    torch.testing.assert_close(model(inputs), expected, rtol=1e-4, atol=1e-5)


def test_both_sides_are_one_batch_for_the_tower():
    model, inputs = make_model(), torch.randn(4, 2, 12, 12)
    seen = []
    model.backbone.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    model(inputs)
    [images] = seen
    assert torch.equal(images[0::2, 0], inputs[:, 0])
    assert torch.equal(images[1::2, 0], inputs[:, 1])


def test_predict_mode_is_one_struct_of_scores():
    model, batch = trained(make_model()).eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    logits = model(inputs)
    (scores,) = model(inputs, targets, mode='predict')
    assert isinstance(scores, BatchScores)
    torch.testing.assert_close(scores.prob_B, 1 / (1 + torch.exp(-logits)))
    expected = nn.functional.binary_cross_entropy_with_logits(
        logits, targets.label_B.float(), reduction='none'
    )
    torch.testing.assert_close(scores.loss_B, expected)
    for name in ('label_B', 'sample_id_B', 'group_id_B'):
        assert getattr(scores, name) is getattr(targets, name)
    left, right = model.features(inputs)
    assert torch.equal(scores.embedding_BD, model.head.embed(left, right))


def test_loss_mode_names_its_parts():
    model, batch = make_model(head='order').eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    losses = model(inputs, targets, mode='loss')
    (scores,) = model(inputs, targets, mode='predict')
    assert list(losses) == ['loss_pair', 'loss_digit']
    torch.testing.assert_close(losses['loss_pair'], scores.loss_B.mean())
    expected = model.head.digit_loss(*model.features(inputs), targets)
    torch.testing.assert_close(losses['loss_digit'], expected)
    # what mmengine trains is the sum
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, losses['loss_pair'] + losses['loss_digit'])


def test_shares_of_the_fusions_are_logged_but_not_trained_on():
    model, batch = make_model().eval(), make_batch()
    losses = model(batch['inputs'].float(), batch['data_samples'], mode='loss')
    total, logged = model.parse_losses(losses)
    torch.testing.assert_close(total, losses['loss_pair'])
    assert logged['share_concat'].item() == pytest.approx(1 / 6)


def test_soft_labels_are_what_the_loss_compares_with():
    model, batch = make_model(head='concat').eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    targets = replace(targets, soft_label_B=torch.full((16,), 0.25))
    logits, softplus = model(inputs), nn.functional.softplus
    expected = (0.25 * softplus(-logits) + 0.75 * softplus(logits)).mean()
    losses = model(inputs, targets, mode='loss')
    torch.testing.assert_close(losses['loss_pair'], expected)


# symmetry


@pytest.mark.parametrize('head', SIGN_FLIPPING)
@pytest.mark.parametrize('tower', TOWERS)
def test_swapped_sides_flip_the_sign(tower, head):
    model = trained(make_model(tower, head)).eval()
    inputs = torch.randn(16, 2, 12, 12)
    logits = model(inputs)
    assert logits.abs().max() > 1e-4
    torch.testing.assert_close(model(inputs.flip(1)), -logits, rtol=0, atol=1e-6)


@pytest.mark.parametrize('head', ['concat', 'fusion'])
def test_other_heads_need_both_orders_for_that(head):
    model = trained(make_model(head=head)).eval()
    inputs = torch.randn(16, 2, 12, 12)
    forth, back = model(inputs), model(inputs.flip(1))
    assert not torch.allclose(forth, -back, atol=1e-3)
    model.swap_tta = True
    both = model(inputs)
    # P = (p(L, R) + 1 - p(R, L)) / 2
    expected = (forth.sigmoid() + 1 - back.sigmoid()) / 2
    torch.testing.assert_close(both.sigmoid(), expected)
    torch.testing.assert_close(model(inputs.flip(1)), -both, rtol=0, atol=1e-6)


@pytest.mark.parametrize('head', SIGN_FLIPPING)
def test_swapping_twice_changes_nothing_where_the_sign_flips(head):
    model = trained(make_model(head=head)).eval()
    inputs = torch.randn(16, 2, 12, 12)
    once = model(inputs)
    model.swap_tta = True
    torch.testing.assert_close(model(inputs), once, rtol=1e-4, atol=1e-5)


def test_one_probability_with_swapped_scores():
    model, batch = trained(make_model(swap_tta=True)).eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    (scores,) = model(inputs, targets, mode='predict')
    torch.testing.assert_close(scores.prob_B, prob_open(model(inputs)))
    expected = nn.functional.binary_cross_entropy(
        scores.prob_B, targets.label_B.float(), reduction='none'
    )
    torch.testing.assert_close(scores.loss_B, expected, rtol=1e-4, atol=1e-5)
    # training has one order
    losses = model(inputs, targets, mode='loss')
    model.swap_tta = False
    (single,) = model(inputs, targets, mode='predict')
    torch.testing.assert_close(losses['loss_pair'], single.loss_B.mean())
    assert not torch.allclose(losses['loss_pair'], scores.loss_B.mean())


# training and export


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('tower', TOWERS)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_one_step_reaches_every_parameter(tower, head, dtype):
    model, batch = make_model(tower, head).train(), make_batch(32)
    inputs = (batch['inputs'].float() - 60) / 60
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype != torch.float32):
        losses = model(inputs, batch['data_samples'], mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    for name, parameter in model.named_parameters():
        # none is left out, so that plain DDP need not look for unused ones
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if name.startswith('head.') and dtype == torch.float32:
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('head', HEADS)
def test_a_few_steps_of_mmengine_learn(head):
    model = make_model('compare', head, data_preprocessor=PREPROCESSOR).train()
    batch = make_batch(32)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=0.01))
    for _ in range(40):
        model.train_step(batch, wrapper)
    (scores,) = model.eval().val_step(batch)
    said_larger = scores.prob_B > 0.5
    assert torch.equal(said_larger.long(), batch['data_samples'].label_B)
    assert scores.loss_B.mean() < 0.3


@pytest.mark.parametrize(
    ('tower', 'head', 'swap_tta'),
    [
        ('compare', 'concat', False),
        ('compare', 'fusion', True),
        ('compare', 'antisymmetric', False),
        ('compare', 'order', True),
        ('bottleneck', 'concat', False),
        ('cbam', 'antisymmetric', True),
        ('fpn', 'fusion', False),
        ('fpn', 'order', False),
    ],
)
def test_the_exported_program_says_the_same(tower, head, swap_tta):
    model = trained(make_model(tower, head, swap_tta=swap_tta)).eval()
    inputs = torch.randn(4, 2, 28, 28)
    batch = torch.export.Dim('batch', min=2, max=64)
    with torch.no_grad():
        program = torch.export.export(
            model, (inputs,), dynamic_shapes=({0: batch},)
        ).module()
        for num_pairs in (4, 7):
            inputs = torch.randn(num_pairs, 2, 28, 28)
            torch.testing.assert_close(
                program(inputs), model(inputs), rtol=1e-4, atol=1e-5
            )


@pytest.fixture
def one_rank(tmp_path):
    """A process group of this process alone."""
    store = torch.distributed.FileStore(str(tmp_path / 'store'), 1)
    torch.distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('head', HEADS)
def test_ranks_need_not_look_for_unused_parameters(head, one_rank):
    model, batch = make_model(head=head).train(), make_batch()
    ranked = nn.parallel.DistributedDataParallel(model)
    for _ in range(2):  # the second step fails if the first one left some out
        losses = ranked(batch['inputs'].float(), batch['data_samples'], mode='loss')
        model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None for p in model.parameters())


# building


def test_the_head_gets_its_channels_from_the_tower():
    head = copy.deepcopy(HEADS['concat'])
    model = PairClassifier(TOWERS['fpn'], head)
    assert model.head.mlp[0].in_features == 2 * 16
    assert head == HEADS['concat']  # the caller's config was not written to


def test_a_tower_that_tells_no_channels_needs_them_in_the_head():
    tower = nn.Sequential(nn.Flatten(), nn.Linear(144, 5))
    message = 'Sequential does not tell its out_channels: set model.head.in_channels'
    with pytest.raises(ValueError, match=message):
        PairClassifier(tower, HEADS['concat'])
    model = PairClassifier(tower, {**HEADS['concat'], 'in_channels': 5})
    assert model(torch.zeros(2, 2, 12, 12)).shape == (2,)


def test_a_plain_script_builds_it_from_a_config():
    model = MODELS.build(
        {
            'type': 'PairClassifier',
            'data_preprocessor': PREPROCESSOR,
            'backbone': TOWERS['compare'],
            'head': HEADS['order'],
        }
    )
    (scores,) = model.eval().val_step(make_batch())
    assert len(scores) == 16


@pytest.mark.parametrize('shape', [(4, 1, 28, 28), (4, 3, 28, 28), (4, 28, 56)])
def test_inputs_that_are_no_pairs_are_refused(shape):
    message = r'inputs must be pairs of shape \(B, 2, H, W\), got \(4, '
    with pytest.raises(ValueError, match=message):
        make_model()(torch.zeros(shape))


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="loss, predict or tensor, got 'test'"):
        make_model()(torch.zeros(2, 2, 12, 12), mode='test')
