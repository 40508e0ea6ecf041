#!/usr/bin/env bash
# Trains and evaluates every row of docs/results.md that is about photographs.
#
#   scripts/results.sh DATA RESNET18_WEIGHTS [OUT]
#
# DATA: a folder in MVTec layout with bottle, grid and magnetic_tile. CATEGORIES, DEVICE, FSR can be set.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${1:?usage: scripts/results.sh DATA RESNET18_WEIGHTS [OUT]}
weights=${2:?usage: scripts/results.sh DATA RESNET18_WEIGHTS [OUT]}
out=${3:-runs/results}
device=${DEVICE:-cpu}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr
mkdir -p "$out"

row() { # NAME CATEGORY TRAINING-ARGUMENTS…
  local name=$1 category=$2
  shift 2
  [ -s "$out/$name.json" ] && return
  "$fsr" train --data "$data" --category "$category" --preset compact --backbone-weights "$weights" \
    --device "$device" --seed 1 --overwrite --out "$out/$name" "$@"
  "$fsr" eval "$out/$name" --data "$data" --category "$category" --device "$device" --json > "$out/$name.json.part"
  mv "$out/$name.json.part" "$out/$name.json"
}

for category in ${CATEGORIES:-bottle grid magnetic_tile}; do
  row "$category-4shot-official" "$category" --shots 4 --epochs 75
  row "$category-4shot-fast" "$category" --shots 4 --epochs 75 --recipe fast
  row "$category-separate-fast" "$category" --recipe fast --steps 300 --batch 8
done
