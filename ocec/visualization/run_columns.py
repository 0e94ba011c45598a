"""The columns of a comparison of runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A number of the table.

    Args:
        key: its name in files.
        title: what stands above it.
        better: ``greater``, ``less`` or empty where neither is better.
        digits: after the point.
        help: its definition.
    """

    key: str
    title: str
    better: str
    digits: int
    help: str


COLUMNS = (
    Column('best', 'best {metric}', '', 4, 'best value of {metric} in validation'),
    Column('best_epoch', 'at epoch', '', 0, 'epoch of the best {metric}'),
    Column('fisher', 'Fisher', 'greater', 3, 'highest Fisher ratio in validation'),
    Column('auc', 'AUC', 'greater', 4, 'highest area under the ROC in validation'),
    Column('val_loss', 'val loss', 'less', 4, 'lowest validation loss'),
    Column('test', 'test {metric}', '', 4, '{metric} of the last test in the folder'),
    Column(
        'epochs_to_target',
        'epochs to target',
        'less',
        0,
        'first epoch whose {metric} reaches the target',
    ),
    Column(
        'minutes_to_target',
        'min to target',
        'less',
        1,
        'minutes of training and validation until then; start-up, saving and pauses '
        'are not counted',
    ),
    Column(
        'seconds_per_epoch',
        's / epoch',
        'less',
        1,
        'median seconds that an epoch of training takes, validation not counted',
    ),
    Column(
        'roughness',
        'loss roughness %',
        'less',
        2,
        'smoothness of the training loss: standard deviation of its epoch means from '
        'their running median over 5 epochs, in percent of the range of that median; '
        '0 for a curve that only falls',
    ),
    Column(
        'largest_rise',
        'largest loss rise %',
        'less',
        1,
        'largest rise of the training loss from one epoch to the next, in percent of '
        'the same range',
    ),
    Column(
        'loss_gap',
        'loss gap',
        'less',
        4,
        'validation loss minus training loss at the epoch of the best {metric}; the '
        'training loss holds augmentation and margins, so compare it between runs '
        'of one recipe',
    ),
    Column('train_loss', 'train loss', 'less', 4, 'training loss at that epoch'),
    Column('train_acc', 'train acc', 'greater', 4, 'training accuracy at that epoch'),
    Column('val_acc', 'val acc', 'greater', 4, 'validation accuracy at that epoch'),
    Column(
        'acc_gap',
        'acc gap',
        'less',
        4,
        'training minus validation accuracy at that epoch; the guide asks for < 0.03',
    ),
    Column(
        'convergence_epoch',
        'converged at',
        '',
        0,
        'first epoch at which {metric} has made 99 % of the way from its first to its '
        'best value',
    ),
    Column('memory_mb', 'peak MB', 'less', 0, 'largest memory logged, in MB'),
    Column('minutes', 'minutes', '', 1, 'training and validation in all'),
    Column('epochs', 'epochs', '', 0, 'epochs done'),
    Column(
        'train_top1',
        'train top-1',
        'greater',
        4,
        'training top-1 of all streams together at that epoch, averaged over its '
        'batches while the weights changed, under augmentation and dropout',
    ),
    Column(
        'val_top1',
        'val top-1',
        'greater',
        4,
        'validation top-1 of all streams together at that epoch',
    ),
    Column(
        'gap',
        'gap, points',
        'less',
        2,
        'training minus validation top-1 at that epoch; the guide asks for '
        '< 3. Augmentation and dropout lower the training top-1, so that it may be '
        'negative',
    ),
    Column('last_gap', 'last gap, points', 'less', 2, 'the same at the last epoch'),
    Column(
        'rgb_top1', 'RGB top-1', 'greater', 4, 'validation top-1 of the RGB stream then'
    ),
    Column(
        'pose_top1',
        'pose top-1',
        'greater',
        4,
        'validation top-1 of the pose stream then',
    ),
    Column('lr', 'lr', '', 5, 'highest learning rate logged'),
)
"""Every number, in the order of the table. ``{metric}`` is the chosen metric."""
