import copy
from dataclasses import replace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ocec.functional.probability import prob_open
from ocec.models.classifiers import ImageClassifier
from ocec.registry import MODELS
from ocec.structures import BatchScores, BatchTargets

BACKBONE = {'type': 'OCECBaseline', 'base_channels': 8, 'num_blocks': 2}
HEAD = {'type': 'AvgHead', 'loss': {'type': 'BCELoss', 'pos_weight': 2.0}}
PREPROCESSOR = {'type': 'ImagePreprocessor', 'mean': [128.0] * 3, 'std': [64.0] * 3}


def make_model(**kwargs):
    torch.manual_seed(0)
    model = ImageClassifier(BACKBONE, HEAD, **kwargs)
    model.init_weights()
    return model


def make_batch(num_images=8):
    """Pictures whose middle is bright if closed and dark if open."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(num_images) % 2
    pixels = torch.randint(80, 120, (num_images, 3, 12, 20), generator=generator)
    pixels[:, :, 4:8, 6:14] += torch.where(label == 1, -60, 60)[:, None, None, None]
    ids = torch.arange(num_images)
    targets = BatchTargets(label_B=label, sample_id_B=ids + 100, group_id_B=ids // 2)
    return {'inputs': pixels.to(torch.uint8), 'data_samples': targets}


# modes


def test_tensor_mode_is_head_after_backbone():
    model, inputs = make_model().eval(), torch.randn(3, 3, 12, 20)
    expected = model.head(model.backbone(inputs))
    assert expected.shape == (3,)
    assert torch.equal(model(inputs), expected)


def test_predict_mode_is_one_struct_of_scores():
    model, batch = make_model().eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    logits = model(inputs)
    (scores,) = model(inputs, targets, mode='predict')
    assert isinstance(scores, BatchScores)
    assert torch.equal(scores.prob_B, prob_open(logits))
    # BCE with weight 2 on open: 2 softplus(-x) and softplus(x)
    open_B = targets.label_B == 1
    softplus = nn.functional.softplus
    expected = torch.where(open_B, 2 * softplus(-logits), softplus(logits))
    torch.testing.assert_close(scores.loss_B, expected)
    for name in ('label_B', 'sample_id_B', 'group_id_B'):
        assert getattr(scores, name) is getattr(targets, name)
    assert torch.equal(scores.embedding_BD, model.head.embed(model.backbone(inputs)))


def test_loss_mode_is_the_mean_over_images():
    model, batch = make_model().eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    losses = model(inputs, targets, mode='loss')
    (scores,) = model(inputs, targets, mode='predict')
    assert list(losses) == ['loss']
    torch.testing.assert_close(losses['loss'], scores.loss_B.mean())


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="loss, predict or tensor, got 'test'"):
        make_model()(torch.zeros(2, 3, 12, 20), mode='test')


def test_soft_labels_are_what_the_loss_compares_with():
    model, batch = make_model().eval(), make_batch()
    inputs, targets = batch['inputs'].float(), batch['data_samples']
    targets = replace(targets, soft_label_B=torch.full((8,), 0.25))
    logits = model(inputs)
    softplus = nn.functional.softplus
    # BCE with weight 2 on open: 1/4 * 2 softplus(-x) + 3/4 softplus(x)
    expected = 0.5 * softplus(-logits) + 0.75 * softplus(logits)
    losses = model(inputs, targets, mode='loss')
    torch.testing.assert_close(losses['loss'], expected.mean())


def test_scores_follow_their_image_when_the_batch_is_shuffled():
    model, inputs = make_model().eval(), torch.randn(10, 3, 12, 20)
    order = torch.randperm(10)
    torch.testing.assert_close(model(inputs[order]), model(inputs)[order])


def test_scores_are_float32_in_mixed_precision():
    model, batch = make_model().eval(), make_batch()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        (scores,) = model(batch['inputs'].float(), batch['data_samples'], 'predict')
    for values in (scores.prob_B, scores.loss_B, scores.embedding_BD):
        assert values.dtype == torch.float32


def test_memory_format_changes_nothing():
    model, inputs = make_model().eval(), torch.randn(4, 3, 12, 20)
    plain = model(inputs)
    model.to(memory_format=torch.channels_last)
    last = model(inputs.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


# training


def test_a_few_steps_of_mmengine_learn():
    model, batch = make_model(data_preprocessor=PREPROCESSOR).train(), make_batch(32)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=0.01))
    losses = [model.train_step(batch, wrapper)['loss'].item() for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]
    # running statistics need more steps than the weights
    for _ in range(30):
        model.train_step(batch, wrapper)
    model.eval()
    (scores,) = model.val_step(batch)
    said_open = scores.prob_B > 0.5
    assert torch.equal(said_open.long(), batch['data_samples'].label_B)


def test_every_parameter_is_initialised_and_trained():
    model, batch = ImageClassifier(BACKBONE, HEAD), make_batch()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 9.0)
    model.init_weights()
    assert not any((parameter == 9).any() for parameter in model.parameters())
    model(batch['inputs'].float(), batch['data_samples'], mode='loss')[
        'loss'
    ].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_checkpoint_carries_the_weight_of_the_loss():
    head = {'type': 'AvgHead'}  # pos_weight='auto'
    trained, loaded = (ImageClassifier(BACKBONE, head) for _ in range(2))
    trained.head.loss_module.set_class_counts(30, 20)
    loaded.load_state_dict(trained.state_dict())
    batch = make_batch()
    losses = [
        model.eval()(batch['inputs'].float(), batch['data_samples'], mode='loss')
        for model in (trained, loaded)
    ]
    assert losses[0]['loss'].isfinite()
    assert torch.equal(losses[0]['loss'], losses[1]['loss'])


# building


class Foreign(nn.Module):
    """A backbone of another zoo: one tensor, and channels nobody knows."""

    def __init__(self, out_channels=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        if out_channels is not None:
            self.out_channels = out_channels

    def forward(self, x_BCHW):
        return self.conv(x_BCHW)


def test_the_head_gets_its_channels_from_the_backbone():
    backbone = BACKBONE | {'num_blocks': 3}
    head = copy.deepcopy(HEAD)
    model = ImageClassifier(backbone, head)
    assert model.head.fc.in_features == 16
    # none of the caller's configs was written to
    assert head == HEAD
    assert (
        ImageClassifier(backbone, HEAD | {'in_channels': None}).head.fc.in_features
        == 16
    )


def test_a_backbone_that_tells_no_channels_needs_them_in_the_head():
    for backbone in (Foreign(), Foreign(out_channels=(5,))):
        message = 'Foreign does not tell its out_channels: set model.head.in_channels'
        with pytest.raises(ValueError, match=message):
            ImageClassifier(backbone, HEAD)
        model = ImageClassifier(backbone, HEAD | {'in_channels': 5})
        assert model(torch.zeros(2, 3, 12, 20)).shape == (2,)
    assert ImageClassifier(Foreign(out_channels=5), HEAD).head.fc.in_features == 5


def test_modules_are_taken_as_they_are():
    backbone = Foreign()
    head = MODELS.build(HEAD | {'in_channels': 5})
    preprocessor = MODELS.build(PREPROCESSOR)
    model = ImageClassifier(backbone, head, data_preprocessor=preprocessor)
    assert (model.backbone, model.head) == (backbone, head)
    assert model.data_preprocessor is preprocessor


def test_a_plain_script_builds_it_from_a_config():
    # without a Runner no default scope is set; every part must be found even so
    config = {
        'type': 'ImageClassifier',
        'data_preprocessor': PREPROCESSOR,
        'backbone': BACKBONE,
        'head': HEAD,
    }
    model = MODELS.build(config)
    (scores,) = model.eval().val_step(make_batch())
    assert len(scores) == 8


def test_the_image_size_tells_the_size_of_the_feature_map():
    head = {'type': 'TransformerHead', 'num_layers': 1}
    backbone = BACKBONE | {'num_blocks': 4}
    # strides 2 and 2: 32x64 becomes 8x16
    model = ImageClassifier(backbone, head, input_size=(32, 64))
    assert model.head.pool.feature_size == (8, 16)
    assert head == {'type': 'TransformerHead', 'num_layers': 1}
    with pytest.raises(ValueError, match='must know the size of the feature map'):
        ImageClassifier(backbone, head)
    # said in the head, it stays
    given = head | {'feature_size': (2, 4)}
    model = ImageClassifier(backbone, given, input_size=(32, 64))
    assert model.head.pool.feature_size == (2, 4)


def test_images_too_small_for_the_backbone_are_refused():
    backbone = {'type': 'OCECConvNeXt', 'base_channels': 8, 'num_blocks': 8}
    with pytest.raises(ValueError, match='OCECConvNeXt'):
        ImageClassifier(backbone, {'type': 'AvgHead'}, input_size=(24, 40))
