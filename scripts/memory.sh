#!/usr/bin/env bash
# Peak memory of training on few and on many images, with their features in memory and on disk.
#
#   scripts/memory.sh [OUT]
#
# A tiny model on generated images of 64 pixels; COUNTS and FSR can be set. Prints kB of resident memory (Linux).
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-runs/memory}
fsr=${FSR:-target/release/fsr}
[ -n "${FSR:-}" ] || cargo build --release --workspace --bin fsr
mkdir -p "$out"
[ -d "$out/drawn" ] || "$fsr" synth --out "$out/drawn" --category bottle --train 100 --test 1 --size 64

for count in ${COUNTS:-1000 10000}; do
  good=$out/$count/good
  mkdir -p "$good"
  # Links to a hundred images: decoding and features do not depend on how different they are.
  for ((index = 0; index < count; index++)); do
    ln -f "$out/drawn/bottle/train/good/$(printf %03d $((index % 100))).png" "$good/$(printf %05d "$index").png"
  done
  for cache in 0 8; do # GiB for features: none, then enough
    FSR_LOG=fsr=info "$fsr" train --data "$out/$count" --steps 20 --preset lite --size 64 --patch 2 --width 32 \
      --depth 1 --heads 2 --backbone-weights random --device cpu --cache-ram $cache --overwrite \
      --out "$out/run-$count-$cache" > /dev/null 2> "$out/log-$count-$cache"
    echo "$count images, $(grep -o 'features: .*' "$out/log-$count-$cache"): $(grep -o 'peak memory .*' "$out/log-$count-$cache")"
  done
done
