import pytest

from ocec.preparation.path_fence import PathFence


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'data'
    (root / 'open').mkdir(parents=True)
    for path in (root / 'open' / '1.png', tmp_path / 'secret.png'):
        path.write_bytes(b'x')
    (root / 'open' / 'link.png').symlink_to(tmp_path / 'secret.png')
    (root / 'open' / 'inner.png').symlink_to('1.png')
    (root / 'away').symlink_to(tmp_path)
    # a neighbour whose name begins alike
    (tmp_path / 'data2').mkdir()
    return root


@pytest.mark.parametrize(
    'path', ['open/1.png', 'open\\1.png', './open/../open/1.png', 'open/inner.png']
)
def test_what_lies_inside_is_found(root, path):
    assert PathFence(root).resolve(path) == (str(root / 'open' / '1.png'), '')


@pytest.mark.parametrize(
    ('path', 'problem'),
    [
        ('../secret.png', 'it leaves the data folder by ".."'),
        ('open\\..\\..\\secret.png', 'it leaves the data folder by ".."'),
        ('../data2/x.png', 'it leaves the data folder by ".."'),
        ('open/link.png', 'it leaves the data folder by a link'),
        ('away/secret.png', 'it leaves the data folder by a link'),
        ('{root}/open/1.png', 'an absolute path'),
        ('/etc/passwd', 'an absolute path'),
    ],
)
def test_what_leaves_the_folder_is_refused_unless_allowed(root, path, problem):
    path = path.format(root=root)
    _, told = PathFence(root).resolve(path)
    assert told == f'{problem}; allow it with --allow-outside'
    _, told = PathFence(root, allow_outside=True).resolve(path)
    assert told == ''


def test_a_link_leads_to_its_file(root, tmp_path):
    file, _ = PathFence(root, allow_outside=True).resolve('open/link.png')
    assert file == str(tmp_path / 'secret.png')


def test_a_null_byte_is_no_part_of_a_path(tmp_path):
    assert PathFence(tmp_path).resolve('a\0.png')[1] == 'the path holds a null byte'
