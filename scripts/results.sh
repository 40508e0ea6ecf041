#!/usr/bin/env bash
# Trains and evaluates every row of docs/results.md that is about photographs.
#
#   scripts/results.sh DATA RESNET18 [RESNET50] [OUT]
#
# DATA: a folder in MVTec layout with bottle, grid and magnetic_tile. RESNET18, RESNET50: weight files
# (RESNET50_STRIDE=v1.5 for torchvision's, v1, the default, for Keras'). The `lite` backbone is the one of
# models/default, or LITE. What is there already is not trained again.
# ROWS, BACKBONES, CATEGORIES, SEEDS, DEVICE, FSR can be set.
set -euo pipefail
cd "$(dirname "$0")/.."

usage='usage: scripts/results.sh DATA RESNET18 [RESNET50] [OUT]'
data=${1:?$usage}
resnet18=${2:?$usage}
resnet50=${3:-}
out=${4:-runs/results}
device=${DEVICE:-cpu}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr
mkdir -p "$out"

row() { # NAME CATEGORY TRAINING-ARGUMENTS…
  local name=$1 category=$2
  shift 2
  [ -s "$out/$name.json" ] && return
  "$fsr" train --data "$data" --category "$category" --device "$device" --overwrite --out "$out/$name" "$@"
  "$fsr" eval "$out/$name" --data "$data" --category "$category" --device "$device" --json > "$out/$name.json.part"
  mv "$out/$name.json.part" "$out/$name.json"
  rm -rf "$out/$name" "$out/$name.previous"
}

backbone() { # the options that choose a backbone
  case $1 in
    lite) echo "--preset lite --backbone-weights ${LITE:-models/default}" ;;
    resnet18) echo "--preset compact --backbone-weights $resnet18" ;;
    resnet50) echo "--preset compact --backbone resnet50 --stride ${RESNET50_STRIDE:-v1} --backbone-weights $resnet50" ;;
  esac
}

for rows in ${ROWS:-official 4shot 8shot separate}; do
  for name in ${BACKBONES:-lite resnet18 ${resnet50:+resnet50}}; do
    # shellcheck disable=SC2207
    options=($(backbone "$name"))
    for category in ${CATEGORIES:-bottle grid magnetic_tile}; do
      for seed in ${SEEDS:-1}; do
        id=$category-$name-$rows-$seed
        case $rows in
          official) # the authors' learning rate; the PyTorch reference of the tests has ResNet-18
            if [ "$name" = resnet18 ]; then
              row "$id" "$category" "${options[@]}" --seed "$seed" --shots 4 --epochs 75
            fi ;;
          4shot) row "$id" "$category" "${options[@]}" --seed "$seed" --recipe fast --shots 4 --steps 300 ;;
          8shot) row "$id" "$category" "${options[@]}" --seed "$seed" --recipe fast --shots 8 --steps 300 ;;
          separate) row "$id" "$category" "${options[@]}" --seed "$seed" --recipe fast --steps 300 --batch 8 ;;
          constant) # grid against the PyTorch reference: constant rate, all images
            row "$id" "$category" "${options[@]}" --seed "$seed" --lr 1e-3 --steps 300 --batch 8 ;;
        esac
      done
    done
  done
done
