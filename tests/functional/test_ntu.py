import pytest

from ocec.functional.ntu import (
    CLASSES_60,
    CLASSES_120,
    XSUB_TRAIN_60,
    XSUB_TRAIN_120,
    NtuName,
    is_training_clip,
    ntu_classes,
    parse_ntu_name,
)


def test_a_name_says_who_did_what():
    name = parse_ntu_name('S017C003P020R002A060_rgb.avi')
    expected = NtuName(setup=17, camera=3, subject=20, repetition=2, action=60)
    assert name == expected


@pytest.mark.parametrize(
    'name', ['', 'S1C1P1R1A1', 'clap_000', 'xS001C001P001R001A001']
)
def test_other_names_are_none(name):
    assert parse_ntu_name(name) is None


def test_the_lists_are_as_long_as_published():
    # 20 of 40 and 53 of 106 subjects train
    assert len(XSUB_TRAIN_60) == 20
    assert len(XSUB_TRAIN_120) == 53
    assert XSUB_TRAIN_60 < XSUB_TRAIN_120
    assert max(XSUB_TRAIN_120) == 103
    assert len(set(CLASSES_60)) == 60
    assert CLASSES_60[42] == 'falling'  # A043
    assert CLASSES_60[59] == 'walking apart'  # A060


def test_classes_of_ntu_120_begin_with_those_of_60():
    assert len(set(CLASSES_120)) == 120
    assert CLASSES_120[:60] == CLASSES_60
    assert CLASSES_120[60] == 'put on headphone'  # A061
    assert CLASSES_120[111] == 'high-five'  # A112
    assert ntu_classes(120) is CLASSES_120
    assert ntu_classes(60) is CLASSES_60
    assert ntu_classes(16) is None


@pytest.mark.parametrize(
    ('name', 'protocol', 'num_classes', 'expected'),
    [
        ('S001C001P001R001A001', 'xsub', 60, True),
        ('S001C001P003R001A001', 'xsub', 60, False),
        ('S020C001P045R001A061', 'xsub', 60, False),
        ('S020C001P045R001A061', 'xsub', 120, True),
        ('S020C001P051R001A061', 'xsub', 120, False),
        ('S001C001P001R001A001', 'xview', 60, False),
        ('S001C002P003R001A001', 'xview', 60, True),
        ('S001C001P001R001A001', 'xset', 120, False),
        ('S032C001P003R001A001', 'xset', 120, True),
    ],
)
def test_protocols(name, protocol, num_classes, expected):
    name = parse_ntu_name(name)
    assert is_training_clip(name, protocol, num_classes=num_classes) is expected


def test_an_unknown_protocol_is_named():
    name = parse_ntu_name('S001C001P001R001A001')
    with pytest.raises(
        ValueError, match=r"one of \('xsub', 'xview', 'xset'\), got 'x'"
    ):
        is_training_clip(name, 'x', num_classes=60)
