from ocec.models.losses.bce_loss import BCELoss

__all__ = ['BCELoss']
