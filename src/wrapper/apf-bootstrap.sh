#!/bin/sh
# First stage of a pilot on the worker node: fetches apf-wrapper, checks its SHA-256 and becomes it.
#
#   apf-bootstrap.sh --wrapperurl URL --wrappersha256 HEX [--wrapper... options of apf-wrapper]
#
# Needs a POSIX shell and curl. Exit codes as src/wrapper/exit_codes.h: 2 wrong options, 64 this node can't run pilots
# (no curl, wrapper not fetched, wrong checksum, not runnable); any other is apf-wrapper's.
set -u
umask 077

url='' sha256='' previous=''
for argument in "$@"; do
  case $previous in
    --wrapperurl) url=$argument ;;
    --wrappersha256) sha256=$argument ;;
  esac
  case $argument in
    --wrapperurl=*) url=${argument#*=} ;;
    --wrappersha256=*) sha256=${argument#*=} ;;
  esac
  previous=$argument
done

# Tells the log, and the factory if it is there (the APFMon job form; the key goes by standard input, never as an
# argument). Nothing here may delay or change the exit.
fault() {
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) error $2" >&2
  if [ -n "${APFMON:-}" ] && [ -n "${APFFID:-}" ] && command -v curl >/dev/null 2>&1; then
    key=$(cat "${APF_REPORT_KEY_FILE:-/dev/null}" 2>/dev/null)
    node=$(uname -n)
    cid=$(printf %s "${APFCID:-}" | sed 's/%/%25/g; s/#/%23/g; s/?/%3F/g; s/ /%20/g')
    printf 'header = "Authorization: Bearer %s"\n' "$key" |
      curl -q -s -o /dev/null --connect-timeout 2 -m 5 -K - \
        -d "state=fault&rc=$1&payloads=0&submission=${APF_SUBMISSION:-}&index=${APF_INDEX:-0}&node=$node" \
        "$APFMON/jobs/$APFFID:$cid"
  fi
  rm -f "${APF_REPORT_KEY_FILE:-}" "${file:-}" 2>/dev/null
  exit "$1"
}

[ -n "$url" ] && [ -n "$sha256" ] || fault 2 'apf-bootstrap.sh needs --wrapperurl and --wrappersha256'
command -v curl >/dev/null 2>&1 || fault 64 'this node has no curl'

# 64 hexadecimal digits of the file, with what the node has.
checksum() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -c1-64
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1" | cut -c1-64
  else
    shasum -a 256 "$1" | cut -c1-64
  fi
}

# The working directory may be mounted noexec: then the node's directory for temporary files is tried.
problem=''
for directory in "$PWD" "${TMPDIR:-/tmp}"; do
  file=$(mktemp "$directory/apf-wrapper.XXXXXX" 2>/dev/null) || { problem="cannot write to $directory"; continue; }
  error=$(curl -q -sSf --retry 2 --connect-timeout 10 -m 120 -o "$file" "$url" 2>&1) ||
    fault 64 "cannot fetch the wrapper from $url: $error"
  got=$(checksum "$file")
  wanted=$(printf %s "$sha256" | tr ABCDEF abcdef)
  [ "$got" = "$wanted" ] || fault 64 "the wrapper from $url has SHA-256 $got, not $wanted"
  chmod 700 "$file"
  if "$file" --version >/dev/null 2>&1; then
    exec "$file" --wrapperfetched "$file" "$@"
  fi
  problem="the wrapper does not run in $directory"
  rm -f "$file"
done
fault 64 "$problem"
