"""Augmentations of a whole batch on its device, with draws per image."""

from ocec.models.batch_augments.clahe import BatchRandomCLAHE
from ocec.models.batch_augments.flip import BatchRandomFlip
from ocec.models.batch_augments.photometric_distort import BatchPhotometricDistort

__all__ = ['BatchPhotometricDistort', 'BatchRandomCLAHE', 'BatchRandomFlip']
