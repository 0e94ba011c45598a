from ocec.models.data_preprocessors.action_preprocessor import ActionPreprocessor
from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor
from ocec.models.data_preprocessors.pair_preprocessor import PairPreprocessor

__all__ = ['ActionPreprocessor', 'ImagePreprocessor', 'PairPreprocessor']
