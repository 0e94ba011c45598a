from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor

__all__ = ['ImagePreprocessor']
