"""One rise and one fall of the learning rate over a whole run."""

from mmengine.optim import OneCycleLR as MMEngineOneCycleLR

from ocec.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class OneCycleLR(MMEngineOneCycleLR):
    """mmengine's, with checkpoints that can be read back; arguments as there.

    mmengine's state holds a function, and a checkpoint that holds one can only be
    read by running code from it: neither resume nor test opened it.
    """

    def state_dict(self) -> dict:
        """Return the state without the annealing function, which the config gives."""
        state = super().state_dict()
        del state['anneal_func']
        return state
