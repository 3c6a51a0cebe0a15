#!/usr/bin/env bash
# Train on several processes: tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# Several machines: on each of them with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
config=$1
gpus=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/torchrun.sh" "$gpus" "$here/train.py" "$config" --launcher pytorch "$@"
