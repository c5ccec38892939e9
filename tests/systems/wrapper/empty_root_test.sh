#!/usr/bin/env bash
# A node with nothing on it: an empty root with one shell, curl, tar, gzip and what makes checksums, and the libraries they
# need. The bootstrap runs there, fetches the wrapper from the real job queue's machine as a file, and a payload runs.
set -euo pipefail

bin=${APF_BIN_DIR:?}
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.log"' EXIT
namespace=(unshare --user --map-root-user --mount)
"${namespace[@]}" mount --rbind /proc /proc 2>/dev/null || {
  echo "skipped: this machine does not let us make a namespace"
  exit 0
}

# take PROGRAM AS: the program and its libraries into the root.
take() {
  local library
  install -D "$(command -v "$1")" "$root$2"
  for library in $(ldd "$(command -v "$1")" 2>/dev/null | grep -o '/[^ ]*'); do
    [ -e "$root$library" ] || install -D "$library" "$root$library"
  done
}

# try NAME: runs the bootstrap with the root's /bin/sh.
try() {
  local code=0
  # Of the machine it sees /proc and /dev, as every node has them.
  # shellcheck disable=SC2016 # the inner shell's
  "${namespace[@]}" sh -c 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec env -i PATH=/bin \
    "$(command -v chroot)" "$0" "$@"' "$root" /bin/sh -c 'cd /pilot && exec /bin/sh ./apf-bootstrap.sh "$@"' sh \
    "--wrappertarballurl=http://127.0.0.1:9/dead,file:///tarball" "--wrappertarballchecksum=$sum" \
    --wrapperplugin=exec --wrapperpilotcode=file:///payload --wrapperpilotcodechecksum="$payload" "$1" 'a  b' \
    >"$root.log" 2>&1 || code=$?
  if [ "$code" -ne 0 ] || ! grep -qx "payload of $1 got <a  b>" "$root.log"; then
    echo "$1: code $code"
    cat "$root.log"
    exit 1
  fi
  for left in "$root"/pilot/apf-wrapper.* "$root"/tmp/*; do
    [ ! -e "$left" ] || { echo "$1: $left is left" && exit 1; }
  done
  echo "$1: ok"
}

mkdir -p "$root/pilot" "$root/tmp" "$root/dev" "$root/proc"
cp "$bin/apf-bootstrap.sh" "$root/pilot/"
cp "$bin/apf-wrapper.tar.gz" "$root/tarball"
# shellcheck disable=SC2016 # the payload's
printf '#!/bin/sh\necho "payload of $1 got <$2>"\n' >"$root/payload"
sum=$(sha256sum <"$root/tarball" | cut -c1-64)
payload=$(sha256sum <"$root/payload" | cut -c1-64)

for program in curl tar gzip sha256sum; do take $program /bin/$program; done
take dash /bin/sh
try dash
if command -v busybox >/dev/null; then
  rm "$root/bin/sha256sum" "$root/bin/tar" "$root/bin/gzip"
  take busybox /bin/busybox
  for name in sh tar gzip; do ln -sf busybox "$root/bin/$name"; done
  try busybox
fi
