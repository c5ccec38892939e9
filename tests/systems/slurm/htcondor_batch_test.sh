#!/usr/bin/env bash
# Pilots through HTCondor's grid type "batch slurm" on a real Slurm, which the fixture has brought up (tests/stages.cmake).
# A pool of its own hands them over: a running one would have to be told about the cluster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
cluster=$here/cluster
pool=$root/tests/systems/htcondor/pool
program=${APF_BIN_DIR:-$root/build/bin}/../tests/systems_htcondor

"$cluster" status >/dev/null || "$cluster" up
extra=$(mktemp)
trap 'POOL_NAME=slurm "$pool" wipe >/dev/null 2>&1 || true; rm -f "$extra"' EXIT
"$cluster" condor >"$extra"
chmod 644 "$extra"
export POOL_NAME=slurm POOL_SLOTS=1 POOL_SCHEDDS=1 POOL_EXTRA=$extra
"$pool" up
blahpd=$("$pool" exec condor_config_val BIN)/blahpd
"$cluster" front-end "$blahpd"
eval "$("$cluster" env)"
cd /
exec_test() { "$pool" exec env SLURM_CONF="$SLURM_CONF" "$program" --gtest_brief=1 --gtest_filter='HtcondorSlurm.*'; }
if ! exec_test; then
  squeue -t all || true
  exit 1
fi
