"""Augmentations of a whole batch on its device, with draws per image."""

from ocec.models.batch_augments.blur import BatchGaussianBlur, BatchMotionBlur
from ocec.models.batch_augments.brightness_contrast import BatchBrightnessContrast
from ocec.models.batch_augments.clahe import BatchRandomCLAHE
from ocec.models.batch_augments.flip import BatchRandomFlip
from ocec.models.batch_augments.gamma import BatchRandomGamma
from ocec.models.batch_augments.glasses_reflection import BatchGlassesReflection
from ocec.models.batch_augments.jpeg import BatchJPEG
from ocec.models.batch_augments.noise import BatchGaussianNoise
from ocec.models.batch_augments.photometric_distort import BatchPhotometricDistort
from ocec.models.batch_augments.rand_augment import BatchRandAugment
from ocec.models.batch_augments.random_affine import (
    BatchRandomAffine,
    BatchRandomRotate,
)
from ocec.models.batch_augments.random_crop import BatchRandomCrop
from ocec.models.batch_augments.random_erasing import BatchRandomErasing
from ocec.models.batch_augments.random_lines import BatchRandomLines

__all__ = [
    'BatchBrightnessContrast',
    'BatchGaussianBlur',
    'BatchGaussianNoise',
    'BatchGlassesReflection',
    'BatchJPEG',
    'BatchMotionBlur',
    'BatchPhotometricDistort',
    'BatchRandAugment',
    'BatchRandomAffine',
    'BatchRandomCLAHE',
    'BatchRandomCrop',
    'BatchRandomErasing',
    'BatchRandomFlip',
    'BatchRandomGamma',
    'BatchRandomLines',
    'BatchRandomRotate',
]
