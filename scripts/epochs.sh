#!/usr/bin/env bash
# How much faster the second epoch is than the first, whose features have to be computed, where the backbone dominates.
#
#   scripts/epochs.sh DATA CATEGORY WEIGHTS [OUT]
#
# DATA: MVTec layout. WEIGHTS: of BACKBONE (resnet50), its STRIDE v1 (Keras, the default) or v1.5; or `random`. The restorer is a
# small one. DEVICE and FSR can be set. Seconds of a run of one epoch (images, features, steps, calibration), of a run
# of two, and the quotient of first and second epoch.
set -euo pipefail
cd "$(dirname "$0")/.."

usage='usage: scripts/epochs.sh DATA CATEGORY WEIGHTS [OUT]'
data=${1:?$usage}
category=${2:?$usage}
weights=${3:?$usage}
out=${4:-runs/epochs}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr

seconds() { # EPOCHS
  "$fsr" train --data "$data" --category "$category" --preset compact --backbone "${BACKBONE:-resnet50}" --stride "${STRIDE:-v1}" \
    --width 32 --depth 1 --heads 2 --backbone-weights "$weights" --epochs "$1" --batch 8 --cache-ram 0 \
    --device "${DEVICE:-cpu}" --overwrite --json --out "$out/$1" | sed -n 's/.*"seconds": *\([0-9.]*\).*/\1/p'
}
one=$(seconds 1)
two=$(seconds 2)
awk -v one="$one" -v two="$two" 'BEGIN { printf "one epoch %.1f s, two %.1f s: the second is %.1f times as fast as the first\n", one, two, one / (two - one) }'
