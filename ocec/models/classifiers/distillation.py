"""Trained classifiers that a classifier learns from. Shapes: B images."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ocec.functional.distillation import distillation_loss, mean_probability_logit
from ocec.functional.probability import open_logit
from ocec.registry import MODELS


@MODELS.register_module()
class Distillation:
    """Frozen teachers, and the divergence of a student from their mean answer.

    This is no module: the teachers belong neither to the student's parameters nor to
    its checkpoint, and averaged copies of the student share them. They are loaded at
    the first training step, so that a trained student needs none of their files.

    In fine-tuning the teacher is the model that the training starts from: it holds the
    student to what it said of these very images (learning without forgetting).

    Args:
        teachers: ``dict(config=..., checkpoint=...)`` of each teacher, at least one:
            its config file and weights; the mean of their probabilities teaches.
        temperature: T > 0, see :func:`ocec.functional.distillation.distillation_loss`.
        weight: share in [0, 1] of the distillation in the loss; the loss against the
            labels has the rest.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Hinton et al., 2015, arXiv:1503.02531; Li and Hoiem, Learning without
        Forgetting, 2016, arXiv:1606.09282.
    """

    def __init__(
        self,
        teachers: Sequence[dict],
        *,
        temperature: float = 3.0,
        weight: float = 0.7,
    ) -> None:
        if not teachers:
            raise ValueError('teachers must be at least one, got none')
        for teacher in teachers:
            if set(teacher) != {'config', 'checkpoint'}:
                raise ValueError(
                    'a teacher is dict(config=..., checkpoint=...), got the keys '
                    f'{sorted(teacher)}'
                )
        if not temperature > 0:
            raise ValueError(f'temperature must be > 0, got {temperature}')
        if not 0 <= weight <= 1:
            raise ValueError(f'weight must be in [0, 1], got {weight}')
        self.teachers = [dict(teacher) for teacher in teachers]
        self.temperature = temperature
        self.weight = weight
        self._models: list[nn.Module] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Distillation:
        """Return itself: an averaged copy of the student has the same teachers."""
        return self

    def loss(
        self, logits_B: Tensor, inputs_BCHW: Tensor, preprocessor: nn.Module
    ) -> Tensor:
        """Return how far the student is from its teachers.

        Args:
            logits_B: (B,) log-odds of the student.
            inputs_BCHW: (B, C, H, W), what the student saw.
            preprocessor: the student's; the teachers must have the same constants.

        Returns:
            (B,) float32, nats.
        """
        if self._models is None:
            size = tuple(inputs_BCHW.shape[-2:])
            self._models = [
                load_teacher(**t, student=preprocessor, input_size=size)
                for t in self.teachers
            ]
        with torch.no_grad():
            teacher_B = mean_probability_logit(
                [
                    open_logit(model.to(inputs_BCHW.device)(inputs_BCHW))
                    for model in self._models
                ]
            )
        return distillation_loss(logits_B, teacher_B, temperature=self.temperature)


def load_teacher(
    config: str,
    checkpoint: str,
    *,
    student: nn.Module,
    input_size: tuple[int, int] | None = None,
) -> nn.Module:
    """Build a classifier from its config and load its weights, frozen.

    Args:
        config: the config file.
        checkpoint: of a training with it; read without running code.
        student: preprocessor of the student.
        input_size: (H, W) of the images, which the model of an eye must know and its
            config file does not tell.

    Returns:
        The model, in evaluation mode, without gradients.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the checkpoint cannot be read, does not fit the config, or was
            trained with another normalisation than the student's.
    """
    for path in (config, checkpoint):
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such file of a teacher')
    settings = Config.fromfile(config).model
    if settings.get('type') == 'ImageClassifier':
        settings.setdefault('input_size', input_size)
        settings.pop('distillation', None)  # of no use to a teacher
    model = MODELS.build(settings)
    try:
        loaded = torch.load(checkpoint, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f'{checkpoint}: cannot be read as a teacher: {error}'
        ) from error
    try:
        model.load_state_dict(loaded.get('state_dict', loaded))
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint}: these are not the weights of {config}: {error}'
        ) from error
    _check_constants(model.data_preprocessor, student, checkpoint)
    return model.eval().requires_grad_(False)


def _check_constants(teacher: nn.Module, student: nn.Module, checkpoint: str) -> None:
    for name in ('mean', 'std'):
        own, other = (getattr(module, name, None) for module in (student, teacher))
        if own is None or other is None:
            continue
        if own.shape != other.shape or not torch.allclose(own.cpu(), other.cpu()):
            raise ValueError(
                f'{checkpoint}: the teacher was trained with data_preprocessor.{name} '
                f'{_listed(other)}, the student has {_listed(own)}: give both the same'
            )


def _listed(values: Tensor) -> str:
    return ', '.join(f'{value:g}' for value in values.flatten().tolist())
