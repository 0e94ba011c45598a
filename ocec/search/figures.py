"""Figures of a sweep, as plotly's JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ocec.search.strategies import import_optuna

if TYPE_CHECKING:
    from optuna import Study

FEWEST_FOR_IMPORTANCE = 4


def copy_for_figures(study: Study, trials: Sequence, names: Mapping[str, str]) -> Study:
    """Copy trials into a study in memory, under short names.

    Args:
        study: of the sweep.
        trials: those to show.
        names: key to short name of each parameter.

    Returns:
        The copy.
    """
    optuna = import_optuna()
    shown = optuna.create_study(
        directions=study.directions, sampler=optuna.samplers.RandomSampler()
    )
    for trial in trials:
        params = {k: v for k, v in trial.params.items() if k in names}
        shown.add_trial(
            optuna.create_trial(
                state=trial.state,
                values=trial.values,
                params={names[key]: value for key, value in params.items()},
                distributions={names[k]: trial.distributions[k] for k in params},
                intermediate_values=trial.intermediate_values,
                user_attrs={'trial': trial.number},
            )
        )
    return shown


def draw_figures(shown: Study, objectives: Sequence[str]) -> dict[str, str]:
    """Draw what can be drawn of a study.

    Args:
        shown: of :func:`copy_for_figures`.
        objectives: name of each objective.

    Returns:
        Title to plotly's JSON; those that need more trials are left out.

    Raises:
        ImportError: plotly is not installed.
    """
    try:
        import plotly  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'the page of a sweep needs plotly: pip install "ocec[report]"'
        ) from error
    from optuna import visualization

    complete = [t for t in shown.trials if t.state.name == 'COMPLETE']
    names = {name for trial in complete for name in trial.params}
    if not complete:
        return {}
    figures = {}
    if len(objectives) > 1:
        if len(objectives) < 4:
            figure = visualization.plot_pareto_front(
                shown, target_names=list(objectives)
            )
            figures['Pareto front'] = figure
    elif any(trial.intermediate_values for trial in shown.trials):
        curves = visualization.plot_intermediate_values(shown)
        curves.update_layout(xaxis_title='epoch', yaxis_title=objectives[0])
        figures['Metric of each epoch'] = curves
    for index, objective in enumerate(objectives):

        def target(trial, index=index):
            return trial.values[index]

        settings = {'target': target, 'target_name': objective}
        if len(objectives) == 1:
            settings = {'target_name': objective}
        suffix = f': {objective}' if len(objectives) > 1 else ''
        history = visualization.plot_optimization_history(shown, **settings)
        figures[f'History{suffix}'] = history
        if not names:
            continue
        figures[f'One setting at a time{suffix}'] = visualization.plot_slice(
            shown, **settings
        )
        if len(names) > 1:
            figures[f'All settings{suffix}'] = visualization.plot_parallel_coordinate(
                shown, **settings
            )
    return {title: figure.to_json() for title, figure in figures.items()}


def measure_importance(shown: Study, objective: int) -> tuple[dict[str, float], str]:
    """Estimate how much of the spread of an objective each setting explains.

    Args:
        shown: of :func:`copy_for_figures`.
        objective: index of the objective.

    Returns:
        Name to share, summing to 1, the largest first, and the name of the method;
        nothing where the trials are too few or all equal.
    """
    optuna = import_optuna()
    values = [
        trial.values[objective]
        for trial in shown.trials
        if trial.state.name == 'COMPLETE'
    ]
    too_few = len(values) < FEWEST_FOR_IMPORTANCE or len(set(values)) < 2
    if too_few or not any(trial.params for trial in shown.trials):
        return {}, ''
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        method = 'fANOVA'
    except ImportError:  # needs scikit-learn
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        method = 'PED-ANOVA'
    found = optuna.importance.get_param_importances(
        shown, evaluator=evaluator, target=lambda trial: trial.values[objective]
    )
    found = {name: float(share) for name, share in found.items()}
    return (found, method) if all(map(math.isfinite, found.values())) else ({}, '')


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Shorten dotted keys to as many last words as tell them apart.

    Args:
        keys: all different.

    Returns:
        Key to short name.

    Example:
        >>> short_names(['optimizer.lr', 'a.dropout', 'b.dropout'])
        {'optimizer.lr': 'lr', 'a.dropout': 'a.dropout', 'b.dropout': 'b.dropout'}
    """
    names = {}
    for key in keys:
        words = key.split('.')
        endings = ['.'.join(words[-n:]) for n in range(1, len(words) + 1)]
        others = [f'.{other}' for other in keys if other != key]
        names[key] = next(
            ending
            for ending in [*endings, key]
            if not any(other.endswith(f'.{ending}') for other in others)
            or ending == key
        )
    return names
