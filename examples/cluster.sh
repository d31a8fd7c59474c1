#!/usr/bin/env bash
# A folder over a Dask cluster on this machine: cluster.sh SONGS OUT [COMMAND [OPTION...]]
#
#   examples/cluster.sh songs stems separate --stem drums
#
# It starts a scheduler and two workers, runs drumkit COMMAND (mel by default) on them, and ends them.
# On several machines the scheduler and each of the workers are started by hand, or by the machines'
# own queue; all must see the files under the same names.
set -euo pipefail

songs=$1
out=$2
shift 2
folder=$(mktemp -d)
until_true() {
    for _ in $(seq 300); do "$@" && return; sleep 0.1; done
    cat "$folder"/*.log >&2
    exit 69
}
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -r "$folder"' EXIT

dask scheduler --host 127.0.0.1 --port 0 --no-dashboard \
    --scheduler-file "$folder/scheduler.json" 2>"$folder/scheduler.log" &
until_true test -s "$folder/scheduler.json"
address=$(sed -n 's/.*"address": "\(tcp[^"]*\)".*/\1/p' "$folder/scheduler.json" | head -n 1)
dask worker "$address" --nworkers 2 --nthreads 1 --no-dashboard \
    --local-directory "$folder" 2>"$folder/workers.log" &
until_true grep -q "Registered to" "$folder/workers.log"

drumkit "${@:-mel}" --recursive --cluster "$address" -o "$out" -- "$songs"
