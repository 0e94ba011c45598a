"""From a released checkpoint of EPAM-Net to one of this toolbox."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from torch import Tensor

from ocec.apis.errors import ConfigError
from ocec.engine.checkpoint_io import file_sha256, load_safely, save_atomically
from ocec.engine.epam_checkpoint import convert_epam, read_epam_state
from ocec.registry import MODELS

# what tells the sizes of the model
CLASSES_OF, KEYPOINTS_OF = 'head.fc.rgb.weight', 'backbone.pose_path.stem.0.weight'
MAX_SHOWN = 3


def import_epam(
    checkpoint: str | Path, *, out: str | Path, trust_checkpoint: bool = False
) -> dict:
    """Write a released checkpoint of EPAM-Net with the names of our layers.

    Args:
        checkpoint: of the network with the 107-parameter attention, for any number of
            classes and keypoints. The kernels of its Conv3d lose their first
            dimension, of length 1.
        out: file to write, for ``load_from`` and for the tools that test a checkpoint.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        Config of the model, also stored in the file.

    Raises:
        ConfigError: there is no such file.
        ValueError: the file is damaged, not trusted, or not of that network.
    """
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    content = load_safely(checkpoint, trust=trust_checkpoint)
    file = str(checkpoint)
    state = convert_epam(read_epam_state(content, file), file)
    missing = [name for name in (CLASSES_OF, KEYPOINTS_OF) if name not in state]
    if missing:
        raise ValueError(f'{file} lacks a part of EPAM-Net: there is no {missing[0]}')
    model = epam_model(len(state[CLASSES_OF]), state[KEYPOINTS_OF].shape[1])
    _check_complete(state, MODELS.build(model).state_dict(), file)
    meta = {
        'cfg': Config({'default_scope': 'ocec', 'model': model}).pretty_text,
        'imported': {'file': file, 'sha256': file_sha256(checkpoint)},
    }
    epoch = content.get('epoch')
    if isinstance(epoch, int):
        meta['imported']['epoch'] = epoch
    save_atomically({'meta': meta, 'state_dict': state}, out)
    print(f'{out}: {len(state):,} tensors, {len(state[CLASSES_OF])} classes')
    return model


def epam_model(num_classes: int, num_keypoints: int = 17) -> dict:
    """Return the config of the released network.

    Args:
        num_classes: of the head.
        num_keypoints: channels of the heatmaps.

    Returns:
        Config of an ``ActionRecognizer``, without a preprocessor.
    """
    return {
        'type': 'ActionRecognizer',
        'backbone': {
            'type': 'EPAMNet',
            'rgb_path': {'type': 'XShiftNet'},
            'pose_path': {
                'type': 'XShiftNet',
                'in_channels': num_keypoints,
                'depths': (5, 11, 7),
                'stem_stride': 1,
                'shift_div': 4,
            },
            'attention': {'type': 'PoseAttention'},
        },
        'head': {'type': 'TwoStreamHead', 'num_classes': num_classes},
    }


def _check_complete(
    state: Mapping[str, Tensor], target: Mapping[str, Tensor], file: str
) -> None:
    problems = [
        *(f'there is no {name}' for name in target if name not in state),
        *(f'{name} has no place' for name in state if name not in target),
        *(
            f'{name} has shape {tuple(x.shape)}, not {tuple(target[name].shape)}'
            for name, x in state.items()
            if name in target and x.shape != target[name].shape
        ),
    ]
    if problems:
        shown = '; '.join(problems[:MAX_SHOWN])
        more = len(problems) - MAX_SHOWN
        raise ValueError(
            f'{file} is no checkpoint of EPAM-Net with its 107-parameter attention: '
            f'{shown}{f"; and {more:,} more" if more > 0 else ""}'
        )
