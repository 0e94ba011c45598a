"""Trained classifiers that a pair classifier learns from."""

from __future__ import annotations

from ocec.models.classifiers.distillation import Distillation
from ocec.registry import MODELS


@MODELS.register_module()
class PairDistillation(Distillation):
    """:class:`Distillation` from classifiers of pairs; its name in their configs."""
