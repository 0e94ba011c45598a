#!/usr/bin/env bash
# Test as a Slurm job.
#   [GPUS=1] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \
#       tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT... [-- arguments of tools/test.py]
# As one task of a job array (sbatch --array=0-9) it tests the checkpoint of its number only:
#   sbatch --array=0-9 --wrap "tools/slurm_test.sh gpu eyes CONFIG work_dirs/sweep/*/best*.pth"
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT... [-- arguments of tools/test.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
shift 3
CHECKPOINTS=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    CHECKPOINTS+=("$1")
    shift
done
if [ $# -gt 0 ]; then
    shift
fi
if [ ${#CHECKPOINTS[@]} -eq 0 ]; then
    echo "error: no checkpoint before --" >&2
    exit 2
fi
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    if [ "$SLURM_ARRAY_TASK_ID" -ge ${#CHECKPOINTS[@]} ]; then
        echo "error: task $SLURM_ARRAY_TASK_ID of the array has no checkpoint, there are" \
            "${#CHECKPOINTS[@]}: use --array=0-$((${#CHECKPOINTS[@]} - 1))" >&2
        exit 2
    fi
    CHECKPOINTS=("${CHECKPOINTS[$SLURM_ARRAY_TASK_ID]}")
fi
GPUS=${GPUS:-1}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
HERE=$(dirname "${BASH_SOURCE[0]}")
CODE=0
for CHECKPOINT in "${CHECKPOINTS[@]}"; do
    # SRUN_ARGS is meant to be split into words
    # shellcheck disable=SC2086
    srun -p "$PARTITION" \
        --job-name="$JOB_NAME" \
        --gres="gpu:$GPUS_PER_NODE" \
        --ntasks="$GPUS" \
        --ntasks-per-node="$GPUS_PER_NODE" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" \
        --kill-on-bad-exit=1 \
        ${SRUN_ARGS:-} \
        "${PYTHON:-python}" -u "$HERE/test.py" "$CONFIG" "$CHECKPOINT" \
        --launcher slurm "$@" || CODE=$?
done
exit $CODE
