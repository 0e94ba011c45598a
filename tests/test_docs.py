"""What the documents tell a reader to type works."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ocec.apis.get_flops import get_flops

ROOT = Path(__file__).parents[1]
DOCUMENTS = ('README.md', 'README_zh-CN.md', 'CONTRIBUTING.md')
MARK = '<!-- tested -->'

PRESENT = [name for name in DOCUMENTS if (ROOT / name).is_file()]
needs_documents = pytest.mark.skipif(
    len(PRESENT) < len(DOCUMENTS), reason='a document is missing'
)


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def bash_blocks(text: str) -> list[str]:
    """Return the contents of the fenced bash blocks."""
    return re.findall(r'^```bash\n(.*?)^```', text, flags=re.MULTILINE | re.DOTALL)


def commands_of(block: str) -> list[list[str]]:
    """Return the words of each command, continued lines joined, comments dropped."""
    lines = block.replace('\\\n', ' ').splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def commands_of_documents():
    return [
        pytest.param(words, id=f'{name}:{" ".join(words)[:60]}')
        for name in PRESENT
        for block in bash_blocks(read(name))
        for words in commands_of(block)
    ]


def gaps_in_command(words: list[str]) -> list[str]:
    """Return what is wrong with a command: paths, make targets, arguments."""
    while re.match(r'\w+=', words[0]):  # PORT=29501 tools/dist_train.sh ...
        words = words[1:]
    if words[0] == 'make':
        targets = [w for w in words[1:] if '=' not in w and not w.startswith('-')]
        known = re.findall(r'^([\w-]+):', read('Makefile'), flags=re.MULTILINE)
        return [f'no make target {target}' for target in targets if target not in known]
    gaps = [
        f'{word} does not exist'
        for word in words
        if re.match(r'(configs|tools|requirements|docs|tests|ocec)/', word)
        and not (ROOT / word).exists()
    ]
    if gaps:
        return gaps
    if words[0].startswith('python') and words[1:] and words[1].startswith('tools/'):
        return _gaps_in_arguments(words[1], words[2:])
    tool, *arguments = words
    if tool == 'tools/dist_train.sh':
        return _gaps_in_arguments('tools/train.py', [arguments[0], *arguments[2:]])
    if tool == 'tools/dist_test.sh':
        return _gaps_in_arguments('tools/test.py', [*arguments[:2], *arguments[3:]])
    return []


def _gaps_in_arguments(tool: str, arguments: list[str]) -> list[str]:
    spec = importlib.util.spec_from_file_location(
        Path(tool).stem + '_tool', ROOT / tool
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *arguments])
        patch.setenv('LOCAL_RANK', '0')  # parse_args may set it
        try:
            module.parse_args()
        except SystemExit:
            return [f'{tool} does not accept {arguments}']
    return []


@pytest.mark.parametrize('words', commands_of_documents())
def test_command_is_one_that_works(words):
    assert gaps_in_command(words) == []


@pytest.mark.parametrize(
    ('command', 'gap'),
    [
        ('make quikstart', 'no make target quikstart'),
        ('make quickstart DATA=x.parquet', None),
        ('python tools/trian.py configs', 'tools/trian.py does not exist'),
        ('python tools/train.py configs/gone.py', 'configs/gone.py does not exist'),
        ('python tools/train.py configs/ --epochs 3', 'tools/train.py does not accept'),
        ('PORT=1 tools/dist_train.sh configs/ 2 --epochs 3', 'tools/train.py does not'),
        ('tools/dist_train.sh configs/ 2 --data x # comment', None),
        ('tools/dist_test.sh configs/ x.pth 2 --resume', 'tools/test.py does not acc'),
    ],
)
def test_checker_finds_a_planted_fault(command, gap):
    [words] = commands_of(command)
    gaps = gaps_in_command(words)
    assert bool(gaps) == bool(gap)
    assert not gap or gaps[0].startswith(gap)


@pytest.mark.parametrize('name', PRESENT)
def test_mentioned_paths_and_links_exist(name):
    text = read(name)
    links = re.findall(r'\]\(([^)\s]+)\)', text)
    gone = [
        link
        for link in links
        if not re.match(r'(\w+:|#)', link)
        and not (ROOT / name).parent.joinpath(link.split('#')[0]).exists()
    ]
    paths = re.findall(r'`((?:configs|tools)/[\w./-]+\.(?:py|sh))', text)
    gone += [path for path in paths if not (ROOT / path).exists()]
    assert gone == []


@needs_documents
def test_both_languages_have_the_same_commands():
    english, chinese = (bash_blocks(read(name)) for name in DOCUMENTS[:2])
    assert english
    assert english == chinese


@needs_documents
def test_commands_of_the_readme_run_in_order(tmp_path):
    text = read('README.md')
    if not bash_blocks(text):
        pytest.skip('README.md has no commands yet')
    if MARK not in text:
        pytest.fail(f'README.md has no line {MARK} before the commands that run here')
    block = bash_blocks(text.split(MARK, maxsplit=1)[1])[0]
    assert text.split(MARK, maxsplit=1)[1].lstrip().startswith('```bash\n')
    shorter = {
        'tools/train.py': ' --cfg-options train_cfg.max_epochs=1',
        'make_sample_eyes.py': ' --subjects 6 --crops 8',
    }
    script, ran = [], set()
    for line in block.replace('\\\n', ' ').splitlines():
        for tool, arguments in shorter.items():
            if tool in line:
                line += arguments
                ran.add(tool)
        script.append(line)
    assert ran == set(shorter)
    for folder in ('configs', 'tools'):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / 'bin').mkdir()
    python = tmp_path / 'bin' / 'python'
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ['bash', '-euo', 'pipefail', '-c', '\n'.join(script)],
        cwd=tmp_path,
        env=os.environ
        | {
            'PATH': f'{python.parent}{os.pathsep}{os.environ["PATH"]}',
            'OMP_NUM_THREADS': '1',
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    # each file that a command is told to write
    outs = re.findall(r'--out (\S+)', block)
    assert outs
    assert [out for out in outs if not (tmp_path / out).is_file()] == []


def test_the_table_of_recipes_is_what_the_tool_counts(capsys):
    rows = re.findall(
        r'^\| \[([\w.-]+)\]\(\1\.py\) \| [^|]+ \| ([\d,]+) \| ([\d.]+) \|',
        read('configs/ocec/README.md') + read('configs/ocec/finetune/README.md'),
        flags=re.MULTILINE,
    )
    sizes = get_flops([ROOT / 'configs' / 'ocec'])
    capsys.readouterr()
    counted = [
        (Path(size.config).stem, f'{size.params:,}', f'{size.macs / 1e6:.2f}')
        for size in sizes
    ]
    assert sorted(rows) == sorted(counted)
