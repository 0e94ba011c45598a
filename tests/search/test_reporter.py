import pytest

from ocec.search.reporter import EpochReporter
from ocec.search.storage import open_storage, open_study


@pytest.fixture
def journal(tmp_path):
    """Three finished trials with the curves 0.5, 0.6, 0.7 and a fourth that runs."""
    path = tmp_path / 'journal.log'
    study = open_study(
        open_storage(path),
        'sweep',
        directions=['maximize'],
        settings={},
        fingerprint='a',
    )
    for _ in range(3):
        trial = study.ask()
        for epoch, value in enumerate((0.5, 0.6, 0.7), start=1):
            trial.report(value, epoch)
        study.tell(trial, 0.7)
    study.ask()
    return path


def report(journal, values, pruner='median', epochs=3):
    pruner = {'type': pruner, 'n_startup_trials': 2} if pruner else None
    reporter = EpochReporter(journal, 'sweep', 3, pruner=pruner, max_epochs=epochs)
    return [reporter(epoch, value) for epoch, value in values]


def test_a_trial_below_the_median_of_its_epoch_is_given_up(journal):
    assert report(journal, [(1, 0.55), (2, 0.59)]) == [False, True]
    study = open_storage(journal)
    trial = study.get_all_trials(study.get_study_id_from_name('sweep'))[3]
    assert trial.intermediate_values == {1: 0.55, 2: 0.59}


def test_a_better_one_goes_on(journal):
    assert report(journal, [(1, 0.6), (2, 0.7), (3, 0.8)]) == [False] * 3


def test_without_a_pruner_nothing_is_given_up(journal):
    assert report(journal, [(1, 0.1), (2, 0.1)], pruner=None) == [False, False]


def test_an_epoch_that_was_reported_before_an_interruption_counts_once(journal):
    report(journal, [(1, 0.55)])
    # a warning of Optuna would tell of a second report
    assert report(journal, [(1, 0.1), (2, 0.65)]) == [False, False]
