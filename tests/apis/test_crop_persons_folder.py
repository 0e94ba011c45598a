import json
from pathlib import Path

import pytest

from ocec.apis.crop_persons_clip import CropJob
from ocec.apis.crop_persons_folder import (
    BOXES_FILE,
    SETTINGS_FILE,
    check_folder,
    locked_folder,
    write_boxes,
    write_problems,
)
from ocec.preparation.crop_settings import CropSettings

SETTINGS = CropSettings(size=64)


def job(name, box=(1, 2, 30, 40), num_frames=9):
    return CropJob(name, Path('v'), Path('t'), box, (96, 128), num_frames)


def test_boxes_of_several_runs_are_one_list(tmp_path):
    write_boxes(tmp_path, [job('a')], SETTINGS)
    write_boxes(tmp_path, [job('b', (-3, 0, 128, 96)), job('a')], SETTINGS)
    assert (tmp_path / BOXES_FILE).read_text() == (
        'name,x1,y1,x2,y2,frame_width,frame_height,frames\n'
        'a,1,2,30,40,128,96,9\n'
        'b,-3,0,128,96,128,96,9\n'
    )
    check_folder(tmp_path, SETTINGS)
    content = json.loads((tmp_path / SETTINGS_FILE).read_text())
    assert content == {'settings': SETTINGS.as_json()}


@pytest.mark.parametrize('other', [job('a', (1, 2, 30, 41)), job('a', num_frames=8)])
def test_crops_of_other_skeletons_are_refused(tmp_path, other):
    write_boxes(tmp_path, [job('a')], SETTINGS)
    with pytest.raises(FileExistsError, match='from other skeletons: clip "a" has'):
        write_boxes(tmp_path, [other], SETTINGS)


def test_other_settings_are_refused(tmp_path):
    write_boxes(tmp_path, [job('a')], SETTINGS)
    expected = 'crops of other settings: size 64 there, 128 asked for; padding 0.25 th'
    with pytest.raises(FileExistsError, match=expected):
        check_folder(tmp_path, CropSettings(size=128, padding=0.5))
    check_folder(tmp_path, CropSettings(size=64, quality=50))  # of JPEG: no effect


def test_folders_of_something_else_are_refused(tmp_path):
    check_folder(tmp_path, SETTINGS)
    check_folder(tmp_path / 'new', SETTINGS)
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(FileExistsError, match=r'holds thesis.txt, and no crop_persons'):
        check_folder(tmp_path, SETTINGS)
    with pytest.raises(FileExistsError, match='is a file'):
        check_folder(tmp_path / 'thesis.txt', SETTINGS)
    for text in ('{', '[]', '{"settings": 3}', '{}'):
        (tmp_path / SETTINGS_FILE).write_text(text)
        with pytest.raises(FileExistsError, match='it is damaged'):
            check_folder(tmp_path, SETTINGS)
    (tmp_path / BOXES_FILE).write_text('name,x1\n')
    with pytest.raises(FileExistsError, match=r'boxes.csv was not made by this tool'):
        write_boxes(tmp_path, [job('a')], SETTINGS)


def test_one_process_at_a_time_and_no_leftovers(tmp_path):
    pytest.importorskip('fcntl')
    (tmp_path / 'deep').mkdir()
    partial = tmp_path / 'deep' / '.a_rgb.mp4.x1y2.tmp'
    partial.write_text('half')
    with locked_folder(tmp_path):
        assert not partial.exists()
        with (
            pytest.raises(FileExistsError, match='another process writes into it'),
            locked_folder(tmp_path),
        ):
            pass
    with locked_folder(tmp_path):
        pass


def test_the_list_of_problems_goes_with_them(tmp_path):
    file = write_problems(tmp_path, ['clip "a": cut off', 'clip "b": no video'])
    assert file.read_text() == 'clip "a": cut off\nclip "b": no video\n'
    assert not write_problems(tmp_path, []).exists()
