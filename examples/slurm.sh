#!/usr/bin/env bash
# Train on several machines under SLURM: sbatch examples/slurm.sh NET DATA RUN [OPTION...]
#
# The run goes on wherever it stopped: after the time limit, after preemption, when a machine fails.
# Another submission with the same arguments goes on with it too. docs/clusters.md says more.

#SBATCH --job-name=train
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# Two minutes before the limit all processes are asked to save and stop.
#SBATCH --signal=TERM@120

set -u
net=$1 data=$2 run=$3
shift 3

# A task per GPU; each sees all GPUs of its machine and takes the one of its number.
# Where one process fails the others are ended too.
code=0
srun --kill-on-bad-exit=1 \
    netc train "$net" --data "$data" -o "$run" --resume --strategy ddp "$@" || code=$?

# 0: the run is complete. 1, 2 and 70: something is wrong that another try would not mend.
# Above 128: it was stopped (130) or killed, and goes on from what was saved.
if ((code > 128 && ${SLURM_RESTART_COUNT:-0} < 100)); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
