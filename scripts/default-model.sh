#!/usr/bin/env bash
# Makes models/default from nothing but a folder of ordinary photographs and a teacher's weights:
# generates products, distils the `lite` backbone, trains one detector for all products, exports it.
#
#   scripts/default-model.sh PHOTOS TEACHER_WEIGHTS [WORK_DIR]
#
# PHOTOS: any thousand photographs. TEACHER_WEIGHTS: torchvision's resnet18 (.pth or .safetensors).
# About an hour and a half on two cores. FSR (the program), DEVICE, DISTILL_STEPS, STEPS can be set.
set -euo pipefail
cd "$(dirname "$0")/.."

photos=${1:?usage: scripts/default-model.sh PHOTOS TEACHER_WEIGHTS [WORK_DIR]}
teacher=${2:?usage: scripts/default-model.sh PHOTOS TEACHER_WEIGHTS [WORK_DIR]}
work=${3:-runs/default-model}
device=${DEVICE:-cpu}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr
mkdir -p "$work"

# Training and test images share no seed: training set 1, fresh test set 2.
[ -d "$work/products" ] || "$fsr" synth --out "$work/products" --seed 1 --train 60 --test 0
[ -d "$work/fresh" ] || "$fsr" synth --out "$work/fresh" --seed 2 --train 1 --test 8

images=(--images "$photos")
for category in "$work"/products/*/; do images+=(--images "${category}train"); done
[ -f "$work/lite.safetensors" ] || "$fsr" distill "${images[@]}" --teacher resnet18 --teacher-weights "$teacher" \
  --steps "${DISTILL_STEPS:-2400}" --batch 16 --crop 128 --seed 1 --device "$device" --out "$work/lite.safetensors"

# One model for all categories. The paper trains the unified setting at τ = 0.9 for 300 epochs; for the
# few steps that a CPU affords, many small batches at a low rate did better (docs/default-model.md).
"$fsr" train --data "$work/products" --category all --preset lite --recipe fast --tau "${TAU:-0.3}" --seed 1 \
  --steps "${STEPS:-2600}" --batch 2 --backbone-weights "$work/lite.safetensors" --device "$device" --out "$work/run"

"$fsr" eval "$work/run" --data "$work/fresh" --category all --device "$device" --json > "$work/metrics.json"
"$fsr" export "$work/run" --out "$work/package" --dtype q8 --name default --metrics "$work/metrics.json"
echo "the package is in $work/package; copy it to models/default to ship it"
