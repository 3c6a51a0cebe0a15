#!/usr/bin/env bash
# Start a script on several processes: tools/torchrun.sh PROCESSES SCRIPT [arguments]
# What dist_train.sh and dist_test.sh share. NNODES, NODE_RANK, MASTER_ADDR and PORT as there.
set -euo pipefail
# A cluster's warning ends the training's processes in their own way, not the launcher
trap '' USR1
exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$1" \
    "${@:2}"
