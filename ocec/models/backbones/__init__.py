from ocec.models.backbones.ocec_baseline import OCECBaseline

__all__ = ['OCECBaseline']
