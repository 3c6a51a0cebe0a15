#!/usr/bin/env bash
# Train on several processes: tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# Several machines: on each of them with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
exec python "$(dirname "$0")/train.py" "$1" --processes "$2" "${@:3}"
