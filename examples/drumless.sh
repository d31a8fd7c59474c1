#!/usr/bin/env bash
# A song without its drums, to play along with: drumless.sh SONG OUTPUT.wav
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
drumkit separate --two-stems drums --template '{stem}.wav' -o "$folder" -- "$1"
rm "$folder/drums.wav"
cp -- "$folder"/*.wav "$2"
