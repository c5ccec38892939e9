# shellcheck shell=bash
# What the scripts in tools/ share; sourced with the working directory at the root of the project.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# configure PRESET: runs cmake when that build directory has none yet; ninja runs it again by itself when needed.
# cmake's report is shown only when it fails.
configure() {
  local dir=build/$1 report
  [ "$1" = dev ] && dir=build
  [ -e "$dir/build.ninja" ] && return
  report=$(cmake --preset "$1" 2>&1) || {
    printf '%s\n' "$report" >&2
    die "cmake --preset $1 failed (see above)"
  }
}
