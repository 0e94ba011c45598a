"""The statistics of skeletons as one HTML file; needs no network."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from ocec.apis.html_page import inline_png, render_template
from ocec.apis.skeleton_statistics_findings import Finding

TEMPLATE = 'skeleton_statistics_page.html.j2'
SHOWN_CLIPS = 50
_BLUE = '#4a78b5'


def render_page(headline: str, numbers: Mapping, findings: Sequence[Finding]) -> str:
    """Render the page.

    Args:
        headline: the verdict, a colon, and its reason.
        numbers: of :func:`ocec.apis.skeleton_statistics_numbers.summarise`.
        findings: what is wrong.

    Returns:
        The HTML text, figures inside.

    Raises:
        ImportError: jinja2 or matplotlib is not installed.
    """
    figures = {}
    if numbers['clips']:
        figures = {
            'Frames of the clips': inline_png(_draw_frames(numbers)),
            'Clips of each class': inline_png(_draw_classes(numbers)),
            'Joints missing': inline_png(_draw_joints(numbers)),
        }
    verdict, _, reason = headline.partition(': ')
    return render_template(
        TEMPLATE,
        verdict=verdict,
        reason=reason,
        is_good=verdict.startswith('NO '),
        n=numbers,
        findings=findings,
        figures=figures,
        shown=SHOWN_CLIPS,
    )


def _figure(height: float):
    try:
        # without pyplot: no window system is asked for, no figure stays open
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'the figures of an HTML page need matplotlib: pip install "ocec[report]"'
        ) from error
    figure = Figure(figsize=(10, height), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()


def _draw_frames(numbers: Mapping) -> bytes:
    figure, axes = _figure(2.6)
    histogram = numbers['frames_histogram']
    axes.stairs(histogram['counts'], histogram['edges'], fill=True, color=_BLUE)
    axes.set(xlabel='frames', ylabel='clips')
    return _png(figure)


def _draw_classes(numbers: Mapping) -> bytes:
    figure, axes = _figure(2.8)
    rows = numbers['classes']
    labels = [row['label'] for row in rows]
    splits = [split['split'] for split in numbers['splits'][1:]] or ['all']
    width = 0.8 / len(splits)
    for number, split in enumerate(splits):
        places = [label + (number + 0.5) * width - 0.4 for label in labels]
        counts = [row['clips'][split] for row in rows]
        axes.bar(places, counts, width, label=split)
    axes.set(xlabel='label', ylabel='clips')
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, ncols=4)
    return _png(figure)


def _draw_joints(numbers: Mapping) -> bytes:
    joints = numbers['missing_joints']
    figure, axes = _figure(0.8 + 0.19 * len(joints))
    names = [joint['joint'] for joint in joints]
    percent = [100 * joint['share'] for joint in joints]
    axes.barh(names, percent, color=_BLUE)
    axes.invert_yaxis()
    axes.tick_params(axis='y', labelsize=8)
    highest = max(1.0, *percent)  # without any missing, too, there is an axis
    axes.set(xlabel='% of the skeletons that are there', xlim=(0, highest))
    return _png(figure)
