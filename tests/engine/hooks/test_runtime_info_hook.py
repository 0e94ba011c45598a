from types import SimpleNamespace

import torch
from mmengine.logging import MessageHub

from ocec.engine.hooks import RuntimeInfoHook


def test_the_hub_knows_the_iteration_and_keeps_no_scalars():
    hub = MessageHub('test_runtime_info_hook')
    runner = SimpleNamespace(message_hub=hub, iter=0)
    hook = RuntimeInfoHook()
    for step in (7, 8):
        runner.iter = step
        hook.before_train_iter(runner, batch_idx=0)
        assert hub.get_info('iter') == step
        hook.after_train_iter(runner, batch_idx=0, outputs={'loss': torch.tensor(1.0)})
    # mmengine's own would hold train/lr and train/loss by now
    assert hub.log_scalars == {}
