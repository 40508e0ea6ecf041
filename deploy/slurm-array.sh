#!/bin/sh
# A study on a Slurm cluster: every task of the array does its share of the runs, all write to one folder.
#
#   STUDY=studies/few-shot.toml DATA=/data/mvtec WEIGHTS=/data/weights OUT=/scratch/few-shot \
#       sbatch --array=0-7 deploy/slurm-array.sh
#
# A task that was preempted or ran out of time goes on where it was: submit the same again. When all are
# done, the same `fsr study` without --array writes the table of all runs.
#SBATCH --job-name=fsr-study
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --requeue
# Ctrl-C's signal two minutes before the end: the step is finished and a checkpoint saved.
#SBATCH --signal=INT@120
set -eu

# --array counts from 0; the share of a task is its place among them.
srun fsr study "$STUDY" --data "$DATA" --weights "$WEIGHTS" --out "$OUT" \
    --array "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --device "${DEVICE:-auto}"
