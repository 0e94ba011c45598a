"""The model card as Markdown: what is known, and what nobody measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ocec.apis.threshold_report import report_text
from ocec.functional.metric_interval import FEW_GROUPS
from ocec.visualization.run_provenance import describe_data

NOT_RECORDED = 'not recorded'
DIGITS = 8


def card_text(card: Mapping[str, Any]) -> str:
    """Write a model card.

    Args:
        card: as ``publish_model`` puts it together: ``name``, ``files``, ``weights``,
            ``architecture``, ``params``, ``macs``, ``input``, ``classes``,
            ``training``, ``scores``, ``thresholds``, ``license``, ``ocec``.

    Returns:
        Markdown.
    """
    sections = [
        ('', [f'# {card["name"]}', '', _summary(card)]),
        ('Files', _files(card['files'])),
        ('Model', _model(card)),
        ('Training data', _data(card['training'])),
        ('Metrics', _metrics(card['scores'])),
        ('Thresholds', _thresholds(card['thresholds'], card['classes'])),
        ('Intended use', _use(card)),
        ('Limits', [f'- {limit}' for limit in limits(card)]),
        ('Licence', [card['license'] or 'Not stated: ask whoever gave you the file.']),
        ('Origin', _origin(card)),
    ]
    return '\n'.join(
        '\n'.join([f'## {title}', '', *lines, ''] if title else [*lines, ''])
        for title, lines in sections
    )


def limits(card: Mapping[str, Any]) -> list[str]:
    """Tell what the numbers of a card do not say.

    Args:
        card: as in :func:`card_text`.

    Returns:
        Sentences.
    """
    told = [*_limits_of_groups(card['scores']), *_limits_of_report(card['scores'])]
    if card['input'] is not None:
        height, width = card['input']['shape'][1:]
        told.append(
            f'It looks at one crop, resized to {height}x{width} without regard to its '
            'shape; it finds no eyes in a picture, and says something of a crop '
            'without an eye, too.'
        )
    told.append(
        'Not measured: cameras, lighting, people and ways of cropping that are not in '
        'the data above.'
    )
    return told


def _summary(card: Mapping[str, Any]) -> str:
    if not card['classes']:
        return f'Architecture: {card["architecture"]["type"]}.'
    origin = f'These are the {card["weights"]} of the training.'
    if card['input'] is None:  # of no single image: actions have many classes
        return f'It tells {len(card["classes"])} classes apart. {origin}'
    negative, positive = card['classes']
    return (
        f'P({positive}) of one image; the classes are {negative} (0) and {positive} '
        f'(1). {origin}'
    )


def _files(files: Sequence[Mapping]) -> list[str]:
    rows = [[f'`{f["file"]}`', f'{f["bytes"]:,}', f'`{f["sha256"]}`'] for f in files]
    return _table(['file', 'bytes', 'SHA-256'], rows)


def _model(card: Mapping[str, Any]) -> list[str]:
    parts = dict(card['architecture'])
    settings = {k: v for k, v in parts.pop('settings').items() if k != 'type'}
    kind = parts.pop('type')
    names = [kind, *(f'{part} {name}' for part, name in parts.items() if name)]
    listed = ', '.join(f'{key}={value}' for key, value in settings.items())
    rows = [
        ['architecture', ', '.join(names) + (f' ({listed})' if listed else '')],
        ['parameters', f'{card["params"]:,}'],
    ]
    if card['macs'] is not None:
        rows.append(
            ['multiply-accumulates', f'{card["macs"] / 1e6:.2f} M for an image']
        )
    if given := card['input']:
        shape = 'x'.join(map(str, given['shape']))
        rows += [
            ['input', f'{shape}, {given["pixels"]}'],
            ['mean, std', f'{_numbers(given["mean"])}; {_numbers(given["std"])}'],
        ]
    return _table(['', ''], rows)


def _data(training: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in ('train', 'val'):
        data = training['data'][name]
        files = ', '.join(
            f'{file["file"]} (footer {file["footer_sha256"][:DIGITS]})'
            for file in (data or {}).get('files') or ()
        )
        counts = ', '.join(
            f'{data[key]:,} {key}' for key in ('closed', 'open') if key in (data or {})
        )
        rows.append([name, describe_data(data), counts or '–', files or '–'])
    lines = _table(['split', 'fingerprint', 'images', 'files'], rows)
    if imported := training['imported']:
        lines += ['', f'Imported from `{imported["file"]}` of the original trainer.']
    if training['average']:
        lines += ['', 'The weights are an average of two trained models.']
    return lines


def _metrics(scores: Mapping[str, Any]) -> list[str]:
    source = scores['source']
    lines = [f'{source[0].upper()}{source[1:]}.']
    if report := scores['report']:
        lines += ['', '```text', report_text(report), '```']
    if scores.get('accuracy') is not None:
        text = f'{scores["accuracy"]:.4f}'
        if bounds := scores['accuracy_interval']:
            text += f' ({bounds[0]:.4f}-{bounds[1]:.4f})'
        lines += ['', f'Accuracy as configured: {text}.']
    if best := scores.get('best'):
        text = f'{best["metric"]} {best["value"]:.4f} at epoch {best["epoch"]}'
        if interval := best.get('interval'):
            text += (
                f', 95 % interval {interval["low"]:.4f}-{interval["high"]:.4f} over '
                f'{interval["num_groups"]} groups'
            )
        lines += ['', f'{text}.']
    return lines


def _thresholds(
    thresholds: Mapping[str, Any] | None, classes: Sequence[str] | None
) -> list[str]:
    if classes and len(classes) > 2:
        return ['None: the most likely class is the answer.']
    if not thresholds:
        return ['The file holds none: 0.5 is what the training used, not a choice.']
    negative, positive = classes or ('0', '1')
    share = 100 * thresholds['false_alarm_target']
    meanings = {
        'best_f1': 'the highest F1',
        'precision': f'the lowest with precision >= {thresholds["precision_target"]:g}',
        'false_alarm': f'at most {share:g} % of {negative} called {positive}',
    }
    rows = [
        [
            name,
            'none reaches it' if (x := thresholds[name]) is None else f'{x:.4f}',
            what,
        ]
        for name, what in meanings.items()
    ]
    lines = [
        f'An image counts as {positive} from P({positive}) = threshold on. Chosen on '
        f'{thresholds["split"]}, {thresholds["num_images"]:,} images:',
        '',
        *_table(['name', 'threshold', f'on {thresholds["split"]}'], rows),
        '',
    ]
    temperature = thresholds['temperature']
    if temperature is None:
        return [*lines, 'No temperature could be fitted.']
    lines.append(
        f'Calibration temperature {temperature:.3f}: divide the log-odds by it where P '
        'is to be read as a share. The thresholds are on P without it.'
    )
    return lines


def _use(card: Mapping[str, Any]) -> list[str]:
    lines, answers = [], []
    file = card['files'][0]['file']
    if card['classes'] and card['input']:
        negative, positive = card['classes']
        answers = [f'python tools/infer.py {file} my_crops/ --out answers.csv']
        lines = [
            f'Telling {positive} from {negative} in crops like those of the training '
            'data, prepared as in the training.',
            '',
        ]
    return [
        *lines,
        '```bash',
        *answers,
        f'python tools/test.py CONFIG {file} --data my_eyes.parquet',
        f'python tools/train.py CONFIG --data my_eyes.parquet --pretrain {file}',
        '```',
    ]


def _limits_of_groups(scores: Mapping[str, Any]) -> list[str]:
    groups = scores.get('groups')
    if not groups:
        return [
            'Whether the same people are in training and in the metrics: not checked.'
        ]
    if not groups['is_training_file']:
        return [
            'The metrics are of another file than the training, or nobody recorded '
            'which file that was: whether the same people are in both is not known.'
        ]
    told = []
    if groups['shared']:
        told.append(
            f'{groups["shared"]} of the {groups["scored"]} groups scored were trained '
            'on, too: the metrics are too good.'
        )
    elif groups['scored']:
        told.append(
            f'{groups["scored"]} groups (people or recordings) were scored, none of '
            f'the {groups["train"]} trained on among them.'
        )
    if groups['unknown']:
        told.append(
            f'{groups["unknown"]:,} images scored do not tell their group: they may be '
            'of people trained on.'
        )
    return told


def _limits_of_report(scores: Mapping[str, Any]) -> list[str]:
    report = scores['report']
    if not report:
        return ['The numbers above have not been measured on this file.']
    told = []
    if report['has_groups'] and report['num_groups'] < FEW_GROUPS:
        told.append(
            f'{report["num_groups"]} groups are few: the intervals are too narrow.'
        )
    if report['is_same']:
        told.append(
            'Epoch and thresholds were chosen on the very images scored: these '
            'numbers are too good.'
        )
    return told


def _origin(card: Mapping[str, Any]) -> list[str]:
    training = card['training']
    git, packages = training['git'] or {}, training['packages'] or {}
    rows = [
        ['published with', f'ocec {card["ocec"]}'],
        ['epoch', _shown(training['epoch'])],
        ['seed', _shown(training['seed'])],
        ['commit', _shown(git.get('commit'))],
        [
            'packages',
            _shown(', '.join(f'{n} {v}' for n, v in packages.items()) or None),
        ],
    ]
    return _table(['', ''], rows)


def _shown(value) -> str:
    return NOT_RECORDED if value is None else str(value)


def _numbers(values: Sequence[float]) -> str:
    return ' '.join(f'{value:g}' for value in values)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ['---'] * len(header), *rows]
    return ['| ' + ' | '.join(line) + ' |' for line in lines]
