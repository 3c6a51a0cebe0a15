#!/usr/bin/env bash
# Test on several processes: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# Several machines: on each of them with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
exec python "$(dirname "$0")/test.py" "$1" "$2" --processes "$3" "${@:4}"
