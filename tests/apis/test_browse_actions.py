import numpy as np
import pytest

from ocec.apis.browse_actions import browse_actions, choose_clips
from ocec.apis.errors import ConfigError

NAMES = np.array(['a', 'b', 'c', 'd', 'e'])


def browse(run, tmp_path, **settings):
    return browse_actions(run.config, out_dir=tmp_path / 'out', **settings)


def test_page_and_sheets_with_answers(make_action_run, tmp_path, open_page, capsys):
    run = make_action_run()
    written = browse(
        run, tmp_path, checkpoint=run.checkpoint, split='test', form='png', num=2
    )
    assert [path.name[3:] for path in written[:-1]] in (
        ['_a.png', '_b.png'],
        ['_a.png', '_c.png'],
        ['_b.png', '_c.png'],
    )
    assert 'of 2 recognised by' in capsys.readouterr().out
    page = open_page(written[-1])
    assert page.locator('h2').count() == 2
    text = page.inner_text('body')
    assert 'predicted: ' in text
    assert 'The attention is coloured' in text
    assert 'as in training' not in text
    widths = page.eval_on_selector_all('img', 'all => all.map(i => i.naturalWidth)')
    assert len(widths) == 2
    assert min(widths) > 400


def test_animations_of_training_without_a_checkpoint(
    make_action_run, tmp_path, open_page
):
    run = make_action_run()
    written = browse(run, tmp_path, clips=['b', 'a'])
    assert [path.name for path in written] == ['000_b.gif', '001_a.gif', 'index.html']
    assert written[0].read_bytes().startswith(b'GIF89a')
    page = open_page(written[-1])
    text = page.inner_text('body')
    assert 'augmented as in training, seed 0' in text
    assert 'predicted' not in text
    assert 'attention' not in text
    assert page.eval_on_selector('img', 'i => i.naturalWidth') > 400


def test_a_clip_looks_the_same_whichever_others_are_shown(make_action_run, tmp_path):
    run = make_action_run()
    alone = browse(run, tmp_path, clips=['b'], form='png')[0].read_bytes()
    second = browse(run, tmp_path, clips=['a', 'b'], form='png')[1].read_bytes()
    other = browse(run, tmp_path, clips=['b'], form='png', seed=1)[0].read_bytes()
    assert alone == second
    assert alone != other


def test_pictures_of_an_earlier_call_are_removed(make_action_run, tmp_path):
    run = make_action_run(with_rgb=False)
    browse(run, tmp_path, num=3)
    (tmp_path / 'out/mine.png').write_bytes(b'')
    browse(run, tmp_path, clips=['c'], raw=True, form='png')
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['000_c.png', 'index.html', 'mine.png']


@pytest.mark.parametrize('page', [None, '<title>My holidays</title>'])
def test_numbered_pictures_of_somebody_else_stay(make_action_run, tmp_path, page):
    run = make_action_run(with_rgb=False)
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/001_mine.png').write_bytes(b'')
    if page is not None:
        (tmp_path / 'out/index.html').write_text(page)
    browse(run, tmp_path, clips=['c'], form='png')
    assert (tmp_path / 'out/001_mine.png').exists()


def test_choice_of_clips():
    assert choose_clips(NAMES, ['d', 'a'], 1, seed=0) == [3, 0]
    chosen = choose_clips(NAMES, [], 3, seed=0)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 3
    assert choose_clips(NAMES, [], 3, seed=0) == chosen
    assert choose_clips(NAMES, [], 99, seed=1) == [0, 1, 2, 3, 4]
    assert any(choose_clips(NAMES, [], 3, seed=n) != chosen for n in range(1, 5))
    with pytest.raises(
        ValueError, match='no clip x, y in this split, which has a, b, c'
    ):
        choose_clips(NAMES, ['x', 'a', 'y'], 1, seed=0)


def test_wrong_settings(make_action_run, tmp_path, write_config):
    run = make_action_run(with_rgb=False)
    for settings, error, message in (
        ({'num': 0}, ValueError, 'num must be >= 1, got 0'),
        ({'seed': -1}, ValueError, 'seed must be >= 0, got -1'),
        ({'form': 'mp4'}, ValueError, "format must be one of .*'mp4'"),
        ({'split': 'val'}, ConfigError, 'the config has no val_dataloader'),
        ({'clips': ['z']}, ValueError, 'no clip z in this split'),
        ({'checkpoint': 'no.pth'}, FileNotFoundError, 'no such checkpoint'),
    ):
        with pytest.raises(error, match=message):
            browse(run, tmp_path, **settings)
    with pytest.raises(ConfigError, match='actions need an ActionRecognizer'):
        browse_actions(write_config(num_rows=8), out_dir=tmp_path)
    run.pickle.unlink()
    with pytest.raises(ConfigError, match='no such file of skeletons'):
        browse(run, tmp_path)
