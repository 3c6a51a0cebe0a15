#!/usr/bin/env bash
# Test on several processes: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# Several machines: on each of them with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
config=$1
checkpoint=$2
gpus=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/torchrun.sh" "$gpus" "$here/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
