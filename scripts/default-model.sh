#!/usr/bin/env bash
# Makes models/default and its twin from nothing but a folder of ordinary photographs and a teacher's weights:
# generates products, distils the `lite` backbone, trains one detector for all products, evaluates and exports it.
#
#   scripts/default-model.sh PHOTOS TEACHER_WEIGHTS [WORK_DIR]
#
# PHOTOS: any thousand photographs. TEACHER_WEIGHTS: torchvision's resnet18 (.pth or .safetensors).
# About four hours on two cores; started again, it goes on where it was. FSR (the program), DEVICE,
# DISTILL_STEPS, STEPS, MORE_STEPS, TAU and SEED can be set; TWIN=no leaves the twin out.
set -euo pipefail
cd "$(dirname "$0")/.."

usage='usage: scripts/default-model.sh PHOTOS TEACHER_WEIGHTS [WORK_DIR]'
photos=${1:?$usage}
teacher=${2:?$usage}
work=${3:-runs/default-model}
device=${DEVICE:-cpu}
steps=${STEPS:-18000}
more_steps=${MORE_STEPS:-24000}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr
mkdir -p "$work"

# Training and test images share no seed: training set 1, fresh test set 2, calibration 3.
[ -d "$work/products" ] || "$fsr" synth --out "$work/products" --seed 1 --train 200 --test 0
[ -d "$work/more" ] || "$fsr" synth --out "$work/more" --seed 1 --train 300 --test 0
[ -d "$work/good" ] || "$fsr" synth --out "$work/good" --seed 3 --train 40 --test 0
[ -d "$work/fresh" ] || "$fsr" synth --out "$work/fresh" --seed 2 --train 1 --test 8
# The backbone sees the photographs and the first sixty products of each category.
[ -d "$work/distilled" ] || "$fsr" synth --out "$work/distilled" --seed 1 --train 60 --test 0

lite=$work/lite.safetensors
if [ ! -f "$lite" ] || [ -d "$work/lite.unfinished" ]; then
  images=(--images "$photos")
  for category in "$work"/distilled/*/; do images+=(--images "${category}train"); done
  "$fsr" distill "${images[@]}" --teacher resnet18 --teacher-weights "$teacher" --steps "${DISTILL_STEPS:-2400}" \
    --batch 16 --crop 128 --seed 1 --device "$device" --out "$lite" \
    $([ -d "$work/lite.unfinished" ] && echo --resume)
fi

detector() { # NAME TRAINING-ARGUMENTS…
  local name=$1
  shift
  local common=(--category all --preset lite --recipe fast --seed "${SEED:-1}" --batch 2 --backbone-weights "$lite"
    --device "$device" --checkpoint-minutes 5 --resume)
  # A first schedule, then a second at half the rate from where that one ended, with half as many images again.
  "$fsr" train --data "$work/products" --steps "$steps" "${common[@]}" --out "$work/$name-first" "$@"
  "$fsr" train --data "$work/more" --steps "$more_steps" --lr 5e-4 --from "$work/$name-first" "${common[@]}" \
    --out "$work/$name" "$@"
  # Good images of their own calibrate; the maximum has no weak category.
  "$fsr" calibrate "$work/$name" --data "$work/good" --category all --score max --expected-difference 0.5 \
    --device "$device" --out "$work/$name-calibrated" --overwrite
  "$fsr" eval "$work/$name-calibrated" --data "$work/fresh" --category all --device "$device" --json > "$work/$name.json"
  "$fsr" export "$work/$name-calibrated" --out "$work/$name-q8" --dtype q8 --name "$name" --metrics "$work/$name.json" --overwrite
  # What eight bits cost.
  "$fsr" eval "$work/$name-q8" --data "$work/fresh" --category all --device "$device" --json > "$work/$name-q8.json"
}

# One model for all categories. The paper trains the unified setting at τ = 0.9 for 300 epochs; for the steps
# that a CPU affords, a low rate learns far faster (docs/default-model.md).
detector default --tau "${TAU:-0.3}"
# The twin that learns to copy: nothing shuffled, no jitter.
if [ "${TWIN:-yes}" = yes ]; then
  detector plain --method reconstruction
fi
echo "packages: $work/default-q8, $work/plain-q8; copy them to models/default and models/plain and run 'cargo xtask catalogue' to ship them"
