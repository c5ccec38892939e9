#!/usr/bin/env bash
# batch/htcondor in a factory of root, which submits as the pool's account (option 'user'). Nothing to do for others.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(id -u)" != 0 ]; then
  echo "not root: the same tests ran as systems.htcondor"
  exit 0
fi
eval "$("$here/pool" env)"
cd /
# what the account matters for: files, credentials, transfers
"$here/../../../build/tests/systems_htcondor" --gtest_brief=1 \
  --gtest_filter='HtcondorPool.*:HtcondorCredential*:HtcondorFlavours.*:HtcondorPilotsLogPool.TellsHolds*'
