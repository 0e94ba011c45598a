#!/usr/bin/env bash
# Train as a Slurm job.
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SIGNAL=USR1@120] [SRUN_ARGS=...] \
#       tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]
# SIGNAL comes so many seconds before the end of the time limit: the training saves and
# stops. Within a job of sbatch --requeue --signal=USR1@120 the job is queued again then,
# and goes on where it was.
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
HERE=$(dirname "${BASH_SOURCE[0]}")
RESUME=()
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
    RESUME=(--resume)
fi
# SRUN_ARGS is meant to be split into words
# shellcheck disable=SC2206
COMMAND=(srun -p "$PARTITION"
    --job-name="$JOB_NAME"
    --gres="gpu:$GPUS_PER_NODE"
    --ntasks="$GPUS"
    --ntasks-per-node="$GPUS_PER_NODE"
    --cpus-per-task="${CPUS_PER_TASK:-5}"
    --kill-on-bad-exit=1
    --signal="${SIGNAL:-USR1@120}"
    ${SRUN_ARGS:-}
    "${PYTHON:-python}" -u "$HERE/train.py" "$CONFIG"
    --work-dir "$WORK_DIR" --launcher slurm "${@:5}" ${RESUME[@]+"${RESUME[@]}"})
if [ -z "${SLURM_JOB_ID:-}" ]; then
    exec "${COMMAND[@]}"
fi
"${COMMAND[@]}"
if [ -e "$WORK_DIR/stopped.json" ]; then
    echo "stopped before the end: job $SLURM_JOB_ID is queued again"
    scontrol requeue "$SLURM_JOB_ID"
fi
