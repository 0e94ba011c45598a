from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor
from ocec.models.data_preprocessors.pair_preprocessor import PairPreprocessor

__all__ = ['ImagePreprocessor', 'PairPreprocessor']
