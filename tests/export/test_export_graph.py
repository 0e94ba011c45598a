import pytest
import torch

from ocec.export.export_graph import ExportGraph
from ocec.models import ImageClassifier

MEAN, STD = torch.tensor([120.0, 110.0, 100.0]), torch.tensor([40.0, 50.0, 60.0])


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = ImageClassifier(
        {'type': 'OCECBaseline', 'base_channels': 8, 'num_blocks': 2},
        {'type': 'AvgHead', 'margin': {'type': 'CosFace'}},
        data_preprocessor={
            'type': 'ImagePreprocessor',
            'mean': MEAN.tolist(),
            'std': STD.tolist(),
        },
        input_size=(24, 40),
    )
    model.init_weights()
    return model.eval()


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (4, 3, 24, 40), generator=generator).to(torch.uint8)


def share_of_open(model, images):
    """Softmax over the two logits, written out."""
    logits = model(model.data_preprocessor.normalize(images))
    return logits.exp()[:, 1] / logits.exp().sum(dim=1)


@torch.no_grad()
def test_probability_is_that_of_open(model, images):
    expected = share_of_open(model, images)
    graph = ExportGraph(model, mean=MEAN, std=STD).eval()
    torch.testing.assert_close(graph(images), expected)
    torch.testing.assert_close(graph(images.float()), expected)


@torch.no_grad()
def test_normalised_outside(model, images):
    normalised = (images - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    prob_B = ExportGraph(model).eval()(normalised)
    torch.testing.assert_close(prob_B, share_of_open(model, images))


@torch.no_grad()
def test_embedding_is_what_the_head_decides_on(model, images):
    graph = ExportGraph(model, mean=MEAN, std=STD, embedding=True).eval()
    prob_B, embedding_BD = graph(images)
    assert embedding_BD.shape == (4, 8)
    logits = model.head.logits(embedding_BD)
    torch.testing.assert_close(logits.softmax(dim=1)[:, 1], prob_B)
