#!/usr/bin/env bash
# Train on several GPUs, or on several CPU processes where there is no GPU.
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
# MAX_RESTARTS=3: when a rank dies, all are started again from the last checkpoint, on
# each machine so many times; --resume is added. NNODES=1:4 goes on with the machines
# that are there. docs/scaling.md
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
HERE=$(dirname "${BASH_SOURCE[0]}")
NNODES=${NNODES:-1}
MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}
PORT=${PORT:-29500}
MEETING=(--node_rank="${NODE_RANK:-0}"
    --master_addr="$MASTER_ADDR"
    --master_port="$PORT")
RESUME=()
if [ "${MAX_RESTARTS:-0}" -gt 0 ] || [[ $NNODES == *:* ]]; then
    # machines that come and go get their numbers when they meet
    # a store of its own for each start: in the shared one the ranks of a second start find
    # the addresses of the first
    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
    MEETING=(--rdzv_backend=c10d
        --rdzv_endpoint="$MASTER_ADDR:$PORT"
        --rdzv_id="${RDZV_ID:-ocec}"
        --max_restarts="${MAX_RESTARTS:-0}")
    if [[ " ${*:3} " != *" --resume"* ]]; then
        RESUME=(--resume)
    fi
fi
# in a process group of its own: Ctrl-C reaches this script only
set -m
"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="$NNODES" \
    "${MEETING[@]}" \
    --nproc_per_node="$GPUS" \
    "$HERE/train.py" "$CONFIG" --launcher pytorch "${@:3}" \
    ${RESUME[@]+"${RESUME[@]}"} &
LAUNCHER=$!
# the launcher would report an error and kill after 30 s; the processes that train
# save, and end without one
pass_on() {
    pkill -"$1" -P "$LAUNCHER" || kill -"$1" "$LAUNCHER"
}
trap 'pass_on TERM' TERM
trap 'pass_on INT' INT
trap 'pass_on USR1' USR1
# a trap ends the wait
while kill -0 "$LAUNCHER" 2> /dev/null; do
    wait "$LAUNCHER" || true
done
wait "$LAUNCHER"
