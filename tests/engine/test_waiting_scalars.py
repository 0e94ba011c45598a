import torch

from ocec.engine.waiting_scalars import pack_scalars, unpack_scalars


def test_scalars_come_back_in_order():
    scalars = [torch.tensor(1.5), torch.tensor(2.25, dtype=torch.bfloat16)]
    packed = pack_scalars(scalars)
    assert packed.tolist() == [1.5, 2.25]
    assert packed.dtype == torch.float32
    back = unpack_scalars(packed, torch.device('cpu'))
    assert [(x.shape, x.item()) for x in back] == [((), 1.5), ((), 2.25)]


def test_none_are_none():
    assert pack_scalars([]).shape == (0,)
    assert unpack_scalars(pack_scalars([]), torch.device('cpu')) == []
    assert unpack_scalars(None, torch.device('cpu')) == []
