from ocec.models.losses.bce_loss import BCELoss
from ocec.models.losses.focal_label_smooth_ce import FocalLabelSmoothCE
from ocec.models.losses.focal_loss import FocalLoss
from ocec.models.losses.label_smooth_loss import LabelSmoothLoss
from ocec.models.losses.smooth_focal_loss import SmoothFocalLoss

__all__ = [
    'BCELoss',
    'FocalLabelSmoothCE',
    'FocalLoss',
    'LabelSmoothLoss',
    'SmoothFocalLoss',
]
