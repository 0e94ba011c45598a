"""Skeletons in a CSV file: a line for each joint.

Shapes: R skeletons (of a person in a frame), K joints.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocec.apis.infer_action_poses import ActionPoses
from ocec.functional.skeleton_layouts import SkeletonLayout
from ocec.preparation.atomic_files import new_file

COLUMNS = ('frame', 'person', 'joint', 'x', 'y', 'score')
NO_LINE = -1.0
"""Score of joints without a line while the file is read; scores are >= 0."""

MAX_FRAMES = 10_000_000
"""92 hours at 30 frames a second; a larger number is a mistake."""


class _Joint(NamedTuple):
    frame: int
    person: int
    joint: int
    values: tuple[float, float, float]


def read_csv_poses(
    path: str | Path, layout: SkeletonLayout, frame_hw: tuple[int, int]
) -> ActionPoses:
    """Read skeletons.

    The columns are ``frame`` from 0, ``person`` (any whole number >= 0, the same for
    the same person), ``joint`` (number from 0, or its name), ``x`` and ``y`` in pixels
    and ``score`` >= 0. Others are not looked at. A joint without a line is missing, and
    so is one whose numbers are NaN. The last frame is the last one that has a line.

    Args:
        path: the file.
        layout: of the joints.
        frame_hw: height and width of the frames in pixels.

    Returns:
        The skeletons.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, or a line cannot be understood; the message
            has the number of the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of poses')
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            skeletons, num_missing = _read_lines(file, path, layout)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f'{path}: it is no CSV file: {error}') from error
    if not skeletons:
        raise ValueError(f'{path}: it has no line with a joint')
    keys = sorted(skeletons)
    joints_RK3 = np.stack([skeletons[key] for key in keys])
    notes = ()
    if num_missing:
        notes = (f'{num_missing:,} joints with NaN count as missing',)
    key_R2 = np.array(keys, np.int64)
    return ActionPoses(
        name=path.name,
        num_frames=int(key_R2[-1, 0]) + 1,
        frame_hw=frame_hw,
        frame_R=key_R2[:, 0],
        person_R=key_R2[:, 1],
        keypoint_RK2=np.ascontiguousarray(joints_RK3[..., :2]),
        score_RK=np.ascontiguousarray(joints_RK3[..., 2]),
        notes=notes,
    )


def write_csv_poses(poses: ActionPoses, path: str | Path) -> None:
    """Write skeletons so that :func:`read_csv_poses` reads them.

    Args:
        poses: the skeletons.
        path: of the file.
    """
    with new_file(path) as file:
        text = io.TextIOWrapper(file, encoding='utf-8', newline='')
        writer = csv.writer(text, lineterminator='\n')
        writer.writerow(COLUMNS)
        for row in range(len(poses.frame_R)):
            place = poses.frame_R[row], poses.person_R[row]
            found_K = poses.keypoint_RK2[row].any(axis=1)
            for joint in np.flatnonzero(found_K):
                values = (*poses.keypoint_RK2[row, joint], poses.score_RK[row, joint])
                writer.writerow([*place, joint, *map(str, values)])  # exact
        text.flush()
        text.detach()  # the file is closed by who opened it


def _read_lines(file, path: Path, layout: SkeletonLayout) -> tuple[dict, int]:
    reader = csv.DictReader(file)
    found = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = found
    if missing := [name for name in COLUMNS if name not in found]:
        raise ValueError(
            f'{path}:1: columns {", ".join(missing)} are missing; found '
            f'{", ".join(found) or "none"}. Expected: {", ".join(COLUMNS)}'
        )
    number_of = {name: number for number, name in enumerate(layout.joints)}
    skeletons: dict[tuple[int, int], np.ndarray] = {}
    num_missing = 0
    for line in reader:
        place = f'{path}:{reader.line_num}'
        joint = _read_joint(line, place, number_of, layout)
        joints_K3 = skeletons.get(joint[:2])
        if joints_K3 is None:
            joints_K3 = np.full((layout.num_joints, 3), NO_LINE, np.float32)
            skeletons[joint[:2]] = joints_K3
        if joints_K3[joint.joint, 2] != NO_LINE:
            raise ValueError(
                f'{place}: joint {joint.joint} of person {joint.person} in frame '
                f'{joint.frame} has two lines'
            )
        is_found = all(map(math.isfinite, joint.values))
        num_missing += not is_found
        joints_K3[joint.joint] = joint.values if is_found else 0
    for joints_K3 in skeletons.values():
        joints_K3[joints_K3[:, 2] == NO_LINE] = 0
    return skeletons, num_missing


def _read_joint(
    line: dict, place: str, number_of: dict[str, int], layout: SkeletonLayout
) -> _Joint:
    shown = [line[name] for name in COLUMNS]
    name = (line['joint'] or '').strip()
    try:
        frame, person = int(line['frame']), int(line['person'])
        joint = number_of[name] if name in number_of else int(name)
        values = float(line['x']), float(line['y']), float(line['score'])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{place}: frame, person and joint must be whole numbers (or the joint a '
            f'name of {layout.name}), x, y and score numbers, got {shown}'
        ) from error
    if not (0 <= frame < MAX_FRAMES and person >= 0):
        raise ValueError(
            f'{place}: frame must be in [0, {MAX_FRAMES:,}) and person >= 0, got '
            f'{frame} and {person}'
        )
    if not 0 <= joint < layout.num_joints:
        raise ValueError(
            f'{place}: joint must be below {layout.num_joints}, of which the skeletons '
            f'of this model are ({layout.name}), got {joint}'
        )
    if values[2] < 0:
        raise ValueError(f'{place}: score must be >= 0, got {values[2]}')
    return _Joint(frame, person, joint, values)
