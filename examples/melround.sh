#!/usr/bin/env bash
# What a mel spectrogram keeps of a song's drums: melround.sh SONG OUTPUT.wav
set -euo pipefail

drumkit separate --stem drums -- "$1" | drumkit mel | drumkit mel --invert -o "$2"
