"""Joints of a body: their names, which of them are mirrored, which are connected.

Shapes: K joints, L limbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SkeletonLayout:
    """The order of the joints in arrays of keypoints.

    Args:
        name: for messages.
        joints: names of the K joints.
        flip_pairs: left and right joint of each pair; joints in no pair are on the
            middle line.
        limbs: the two joints of each of L limbs.

    Raises:
        ValueError: a pair or a limb names a joint that does not exist, or the same
            joint twice.
    """

    name: str
    joints: tuple[str, ...]
    flip_pairs: Pairs
    limbs: Pairs

    def __post_init__(self) -> None:
        """Refuse pairs of joints that are none."""
        mirrored = [joint for pair in self.flip_pairs for joint in pair]
        if len(set(mirrored)) != len(mirrored):
            raise ValueError(
                f'{self.name}: a joint is in two flip pairs: {list(self.flip_pairs)}'
            )
        for what in ('flip_pairs', 'limbs'):
            for pair in getattr(self, what):
                if len(set(pair)) != 2 or not set(pair) <= set(range(self.num_joints)):
                    raise ValueError(
                        f'{self.name}: {what} must be two different joints of '
                        f'{self.num_joints}, counted from 0, got {pair}'
                    )

    @property
    def num_joints(self) -> int:
        """K."""
        return len(self.joints)

    @property
    def flip_order(self) -> list[int]:
        """For each joint of a mirrored body the joint that it was before, K numbers."""
        order = list(range(self.num_joints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        return order

    @property
    def limb_flip_order(self) -> list[int]:
        """For each limb of a mirrored body the limb that it was before, L numbers.

        Raises:
            ValueError: the mirror image of a limb is none.
        """
        order = self.flip_order
        numbers = {frozenset(limb): number for number, limb in enumerate(self.limbs)}
        mirrored = [frozenset((order[a], order[b])) for a, b in self.limbs]
        for limb, image in zip(self.limbs, mirrored, strict=True):
            if image not in numbers:
                raise ValueError(
                    f'{self.name}: limb {limb} has no mirror image '
                    f'{tuple(sorted(image))} among the limbs'
                )
        return [numbers[image] for image in mirrored]


COCO17 = SkeletonLayout(
    name='coco17',
    joints=(
        *('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear'),
        *('left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow'),
        *('left_wrist', 'right_wrist', 'left_hip', 'right_hip'),
        *('left_knee', 'right_knee', 'left_ankle', 'right_ankle'),
    ),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    limbs=(
        *((0, 1), (0, 2), (1, 3), (2, 4), (0, 5), (5, 7), (7, 9), (0, 6), (6, 8)),
        *((8, 10), (5, 11), (11, 13), (13, 15), (6, 12), (12, 14), (14, 16), (11, 12)),
    ),
)

#: of OpenPose
COCO18 = SkeletonLayout(
    name='coco18',
    joints=(
        *('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist'),
        *('left_shoulder', 'left_elbow', 'left_wrist', 'right_hip', 'right_knee'),
        *('right_ankle', 'left_hip', 'left_knee', 'left_ankle', 'right_eye'),
        *('left_eye', 'right_ear', 'left_ear'),
    ),
    flip_pairs=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10), (15, 14), (17, 16)),
    limbs=(
        *((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9)),
        *((9, 10), (1, 11), (11, 12), (12, 13), (0, 14), (14, 16), (0, 15), (15, 17)),
    ),
)

#: of the second Kinect: the skeletons of NTU RGB+D
NTURGBD25 = SkeletonLayout(
    name='nturgbd25',
    joints=(
        *('spine_base', 'spine_mid', 'neck', 'head', 'left_shoulder', 'left_elbow'),
        *('left_wrist', 'left_hand', 'right_shoulder', 'right_elbow', 'right_wrist'),
        *('right_hand', 'left_hip', 'left_knee', 'left_ankle', 'left_foot'),
        *('right_hip', 'right_knee', 'right_ankle', 'right_foot', 'spine_shoulder'),
        *('left_hand_tip', 'left_thumb', 'right_hand_tip', 'right_thumb'),
    ),
    flip_pairs=(
        *((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19)),
        *((21, 23), (22, 24)),
    ),
    limbs=(
        *((0, 1), (1, 20), (20, 2), (2, 3), (20, 4), (4, 5), (5, 6), (6, 7), (7, 21)),
        *((6, 22), (20, 8), (8, 9), (9, 10), (10, 11), (11, 23), (10, 24), (0, 12)),
        *((12, 13), (13, 14), (14, 15), (0, 16), (16, 17), (17, 18), (18, 19)),
    ),
)

LAYOUTS = {layout.name: layout for layout in (COCO17, COCO18, NTURGBD25)}


def skeleton_layout(name: str) -> SkeletonLayout:
    """Look a layout up.

    Args:
        name: ``coco17``, ``coco18`` (OpenPose) or ``nturgbd25`` (Kinect).

    Returns:
        The layout.

    Raises:
        ValueError: there is none of this name.

    Example:
        >>> skeleton_layout('coco17').num_joints
        17
    """
    if name not in LAYOUTS:
        raise ValueError(f'layout must be one of {sorted(LAYOUTS)}, got {name!r}')
    return LAYOUTS[name]


def custom_layout(
    num_joints: int, flip_pairs: Sequence[Sequence[int]], limbs: Sequence = ()
) -> SkeletonLayout:
    """Describe joints that no named layout fits.

    Args:
        num_joints: K >= 1.
        flip_pairs: left and right joint of each pair; empty for a body that has no
            sides.
        limbs: the two joints of each limb; needed for heatmaps of limbs.

    Returns:
        The layout.

    Raises:
        ValueError: there are no joints, or a pair or a limb does not fit to them.
    """
    if num_joints < 1:
        raise ValueError(f'num_joints must be >= 1, got {num_joints}')
    return SkeletonLayout(
        name=f'layout of {num_joints} joints',
        joints=tuple(f'joint_{number}' for number in range(num_joints)),
        flip_pairs=tuple((int(a), int(b)) for a, b in flip_pairs),
        limbs=tuple((int(a), int(b)) for a, b in limbs),
    )
