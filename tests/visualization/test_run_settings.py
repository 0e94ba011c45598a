import os

import pytest
from mmengine.config import Config

from ocec.visualization.run_settings import find_config, read_settings

CFG = dict(
    model=dict(type='Net', widths=[1, -2.5], stages=[dict(n=1), dict(n=2)]),
    empty=dict(),
    load_from=None,
    by_name={'a-b': True, '0': 'x'},
    pair=(1, 2),
)


def test_a_config_that_mmengine_dumped(tmp_path):
    path = tmp_path / 'config.py'
    Config(CFG).dump(path)
    assert read_settings(path) == {
        'model.type': 'Net',
        'model.widths': '[1, -2.5]',
        'model.stages.0.n': 1,
        'model.stages.1.n': 2,
        'empty': '{}',
        'load_from': None,
        'by_name.a-b': True,
        'by_name.0': 'x',
        'pair': '[1, 2]',
    }


def test_nothing_is_executed(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(
        f"import os\nx = os.mkdir('{tmp_path}/made')\n__y = 1\n"
        'z = dict(a=2, **dict(b=3))'
    )
    found = read_settings(path)
    assert found['x'].startswith('os.mkdir(')
    assert (found['z.a'], found['z.b'], len(found)) == (2, 3, 3)
    assert not (tmp_path / 'made').exists()


def test_no_python(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text('model = dict(')
    with pytest.raises(ValueError, match='config.py is no config: '):
        read_settings(path)


def test_the_newest_config_is_found(tmp_path):
    assert find_config(tmp_path) is None
    inner = tmp_path / '20261121' / 'vis_data' / 'config.py'
    inner.parent.mkdir(parents=True)
    inner.write_text('')
    assert find_config(tmp_path) == inner
    for name, when in (('b.py', 1000), ('a.py', 2000)):
        (tmp_path / name).write_text('')
        os.utime(tmp_path / name, (when, when))
    assert find_config(tmp_path) == tmp_path / 'a.py'
