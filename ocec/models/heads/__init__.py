from ocec.models.heads.avg_head import AvgHead

__all__ = ['AvgHead']
