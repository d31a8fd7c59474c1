#!/usr/bin/env bash
# A song in, the same song with new drums out: redrum.sh SONG OUTPUT.wav
set -euo pipefail

drumkit separate -- "$1" | drumkit arrange --mix -o "$2"
