#!/usr/bin/env bash
# Train under Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of train.py]
# GPUS (in all, default 4), GPUS_PER_NODE (default 4), CPUS_PER_TASK (default 16) and SRUN_ARGS
# from the environment. One torchrun a machine, started by srun.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
partition=$1
job_name=$2
export CONFIG=$3
shift 3
gpus=${GPUS:-4}
export GPUS_PER_NODE=${GPUS_PER_NODE:-$((gpus < 4 ? gpus : 4))}
if [ $((gpus % GPUS_PER_NODE)) -ne 0 ]; then
    echo "GPUS=$gpus is not a multiple of GPUS_PER_NODE=$GPUS_PER_NODE" >&2
    exit 2
fi
HERE=$(cd "$(dirname "$0")" && pwd)
export HERE
# shellcheck disable=SC2016,SC2086  # expanded on the machines; SRUN_ARGS holds several words
exec srun --partition="$partition" --job-name="$job_name" \
    --nodes=$((gpus / GPUS_PER_NODE)) --ntasks-per-node=1 \
    --gres="gpu:$GPUS_PER_NODE" --cpus-per-task="${CPUS_PER_TASK:-16}" ${SRUN_ARGS:-} \
    bash -c 'NNODES=$SLURM_NNODES NODE_RANK=$SLURM_NODEID \
        MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1) \
        exec "$HERE/dist_train.sh" "$CONFIG" "$GPUS_PER_NODE" "$@"' dist_train.sh "$@"
