#!/bin/sh
# First stage of a pilot on the worker node: sets the node up, fetches the wrapper's tarball, checks the SHA-256 that
# the factory pinned, and becomes apf-wrapper. Needs a POSIX shell, curl, tar, gzip and one of sha256sum, openssl,
# shasum, busybox; everything else that it calls may be missing.
#
# Exit codes as src/wrapper/exit_codes.h: 2 wrong options, 64 this node can't run pilots; any other is apf-wrapper's.
set -u
umask 077

usage='usage: apf-bootstrap.sh --wrappertarballurl URL,... --wrappertarballchecksum HEX [OPTION=VALUE]... [WORD]...
  --wrappertarballurl URLS        http:, https: or file:; the next one is tried if one fails
  --wrappertarballchecksum HEX    SHA-256 of the tarball: 64 digits
  --wrappernext N/PERCENT, --wrappernexturl, --wrappernextchecksum
                                  pilots whose turn it is take this tarball instead
  --wrapperproxy URL              HTTP proxy (squid); what it does not give is asked for directly
  --wrapperplatform NAME          LOCAL (default), OSG or EGI: a grid needs its set-up file
  --wrapperspecialcmd COMMAND     run in this shell after the set-up: module load ...
  --wrappervlimit KB              virtual memory of each process
  --wrapperkeepslot DURATION      how long a node that can run no pilots keeps its slot: 20min, 90s, 1h
All other options are of apf-wrapper, which lists them with --help; words that are no options are for the pilot.
A value may stand in quotes that survived on the way here: --wrapperspecialcmd="module load x".'

say() {
  printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ 2>/dev/null)" "$1" "$2" >&2
}

# What stands in a path of the factory's API.
encoded() {
  rest=$1
  while [ -n "$rest" ]; do
    case $rest in
      %*) printf '%%25' ;; '#'*) printf '%%23' ;; '?'*) printf '%%3F' ;; ' '*) printf '%%20' ;;
      *) printf %s "${rest%"${rest#?}"}" ;;
    esac
    rest=${rest#?}
  done
}

# Tells the factory, if it is there (the APFMon job form; the key goes by standard input, never as an argument).
# Nothing here may delay or change the exit.
home='' key=''
one_line() { # in bytes, and without control characters: more is refused
  LC_ALL=C
  printf %.200s "${1%%[![:print:]]*}"
}
report() {
  if [ -n "${APFMON:-}" ] && [ -n "${APFFID:-}" ] && command -v curl >/dev/null 2>&1; then
    printf 'header = "Authorization: Bearer %s"\n' "$key" |
      curl -q -s -o /dev/null --connect-timeout 2 -m 5 -K - --data-urlencode "text=$(one_line "$2")" \
        -d "state=fault&rc=$1&payloads=0&submission=${APF_SUBMISSION:-}&index=${APF_INDEX:-0}&node=$(uname -n 2>/dev/null)$3" \
        "$APFMON/jobs/$APFFID:$(encoded "${APFCID:-}")"
  fi
}
# Behind a CE a pilot that ended at once would only make room for the next one on the same node: the factory asks for
# --wrapperkeepslot there. The process ids of a node's pilots differ, so its slots come free one after the other, from
# 3/4 to 5/4 of that time. A signal of the batch system ends it.
keep=0 told=''
keep_slot() {
  keep=$((keep * (150 + $$ * 37 % 101) / 200))
  trap 'told=yes; kill "${!-}" 2>/dev/null' TERM INT QUIT HUP XCPU
  report "$1" "$2" "&failure=bootstrap&keeps=$keep"
  say warning "this node keeps its slot for $keep s, so that no other pilot comes to it"
  sleep "$keep" &
  [ -z "$told" ] || kill "$!" # told before there was a sleep
  wait "$!"
}
fault() {
  say error "$2"
  [ -r "${APF_REPORT_KEY_FILE:-}" ] && read -r key <"$APF_REPORT_KEY_FILE"
  rm -rf "${APF_REPORT_KEY_FILE:-}" "$home" 2>/dev/null
  [ "$1" -eq 64 ] && [ "$keep" -gt 0 ] && keep_slot "$1" "$2"
  report "$1" "$2" '&failure=bootstrap'
  exit "$1"
}

# ---- options: words of a value in quotes become one again, each goes on to apf-wrapper, ours are noted ----
urls='' sha256='' next='' next_urls='' next_sha256='' proxy='' platform='' grid='' special='' vlimit=''
keep_for=''
take() {
  case $1 in
    --wrappertarballurl | --wrappertarballuri | --pandawrappertarballurl) urls=$2 ;;
    --wrappertarballchecksum) sha256=$2 ;;
    --wrappernext) next=$2 ;;
    --wrappernexturl) next_urls=$2 ;;
    --wrappernextchecksum) next_sha256=$2 ;;
    --wrapperproxy) proxy=$2 ;;
    --wrapperplatform) platform=$2 ;;
    --wrappergrid | --pandagrid) grid=$2 ;;
    --wrapperspecialcmd | --pandaspecialcmd) special=$2 ;;
    --wrappervlimit) vlimit=$2 ;;
    --wrapperkeepslot) keep_for=$2 ;;
  esac
}
left=$# open='' name='' ours=yes
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  if [ -n "$open" ]; then
    word="$open $word" open=''
  fi
  value='' mark=''
  case $ours$word in
    yes--wrapper*=* | yes--panda*=*) value=${word#*=} ;;
  esac
  case $value in
    \"*) mark=\" ;;
    \'*) mark=\' ;;
  esac
  if [ -n "$mark" ]; then
    case $value in
      ?*"$mark") word=${word%%=*}=${value#?} word=${word%"$mark"} ;;
      *)
        [ "$left" -gt 0 ] || fault 2 "the value of ${word%%=*} begins with $mark and does not end with it"
        open=$word
        continue ;;
    esac
  fi
  if [ -n "$name" ]; then
    take "$name" "$word" && name=''
  else
    case $ours$word in
      yes--help) printf '%s\n' "$usage" && exit 0 ;;
      yes--) ours=no ;;
      yes--wrapper*=* | yes--panda*=*) take "${word%%=*}" "${word#*=}" ;;
      yes--wrapper* | yes--panda*) name=$word ;;
    esac
  fi
  set -- "$@" "$word"
done

number() {
  case $2 in
    '' | *[!0-9]* | ??????????*) fault 2 "$1: '$2' is not a whole number" ;;
  esac
}
checksum_form() {
  case $2 in
    *[!0-9a-fA-F]*) fault 2 "$1: '$2' is not hexadecimal" ;;
  esac
  [ ${#2} -eq 64 ] || fault 2 "$1: a SHA-256 has 64 digits, '$2' has ${#2}"
}
# Whole seconds, minutes, hours or days.
seconds_of() {
  amount=${2%%[!0-9]*}
  number "$1" "$amount"
  case ${2#"$amount"} in
    '') [ "$amount" -eq 0 ] ;;
    s | ' s') ;;
    min | ' min') amount=$((amount * 60)) ;;
    h | ' h') amount=$((amount * 3600)) ;;
    d | ' d') amount=$((amount * 86400)) ;;
    *) false ;;
  esac || fault 2 "$1: '$2' is not a duration: write a whole number and a unit: 20min, 90s, 1h"
}
if [ -n "$keep_for" ]; then
  seconds_of --wrapperkeepslot "$keep_for"
  keep=$amount
fi
[ -n "$urls" ] || sha256=''
[ -n "$sha256" ] || fault 2 'apf-bootstrap.sh needs --wrappertarballurl and --wrappertarballchecksum'
checksum_form --wrappertarballchecksum "$sha256"
case $platform:$grid in
  :OSG | :EGI) platform=$grid ;;
  :* | LOCAL:* | [Ll]ocal:*) platform=LOCAL ;;
  OSG:* | EGI:*) ;;
  *) fault 2 "--wrapperplatform: '$platform' is not LOCAL, OSG or EGI" ;;
esac
if [ -n "$next" ]; then
  number --wrappernext "${next%%/*}"
  number --wrappernext "${next#*/}"
  number APF_INDEX "${APF_INDEX:-0}"
  checksum_form --wrappernextchecksum "$next_sha256"
  # Of any 100 pilots in a row exactly so many per cent, spread evenly.
  place=$(((${next%%/*} + ${APF_INDEX:-0}) % 100)) share=${next#*/}
  if [ $(((place + 1) * share / 100)) -gt $((place * share / 100)) ]; then
    say info "this pilot takes the next tarball, $next_sha256"
    urls=$next_urls sha256=$next_sha256
  fi
fi
for program in curl tar gzip; do
  command -v $program >/dev/null 2>&1 || fault 64 "this node has no $program"
done

# ---- the node ----
setup=''
case $platform in
  OSG) setup=${OSG_GRID:-/OSG_GRID-is-not-set}/setup.sh ;;
  EGI) setup=${GRID_ENV_LOCATION:-/etc/profile.d}/grid-env.sh ;;
esac
if [ -n "$setup" ]; then
  [ -r "$setup" ] || fault 64 "the set-up file of $platform, $setup, is missing"
  set +u
  # shellcheck disable=SC1090 # the node's own
  . "$setup"
  set -u
fi
if [ -n "$special" ]; then
  say info "special command: $special"
  set +u
  command eval "$special" || fault 64 "the special command failed with code $?: $special"
  set -u
fi
if [ -n "$vlimit" ]; then
  number --wrappervlimit "$vlimit"
  # shellcheck disable=SC3045 # dash, bash and busybox have it; another shell says so
  ulimit -v "$vlimit" || fault 64 "virtual memory can't be limited to $vlimit kB"
fi

# ---- the tarball ----
sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sum=$(sha256sum "$1")
  elif command -v openssl >/dev/null 2>&1; then
    sum=$(openssl dgst -sha256 -r "$1")
  elif command -v shasum >/dev/null 2>&1; then
    sum=$(shasum -a 256 "$1")
  elif command -v busybox >/dev/null 2>&1; then
    sum=$(busybox sha256sum "$1")
  else
    fault 64 'this node has no sha256sum, openssl, shasum or busybox'
  fi
  sum=${sum%% *}
}
same() { # hexadecimal digits, in capitals or not
  [ "$1" = "$2" ] || [ "$1" = "$(printf %s "$2" | tr ABCDEF abcdef 2>/dev/null)" ]
}
# One source: 0 when the right thing is in $file.
fetch() {
  if ! problem=$(curl -q -sSfL --globoff --create-dirs --connect-timeout 20 -m 120 -o "$file" "$@" 2>&1); then
    return 1
  fi
  sum_of "$file"
  same "$sum" "$sha256" && return 0
  problem="its SHA-256 is $sum, not $sha256" line=''
  read -r line <"$file" 2>/dev/null
  case $line in
    *'<!'* | *'<h'* | *'<H'*) problem="$problem (it is an HTML page)" ;;
  esac
  return 1
}
fetch_any() {
  rest=$urls,
  while [ -n "$rest" ]; do
    url=${rest%%,*} rest=${rest#*,}
    if [ -n "$proxy" ]; then
      fetch -x "$proxy" "$url" && return 0
      say warning "the wrapper from $url by $proxy is not used: $problem"
    fi
    fetch "$url" && return 0
    say warning "the wrapper from $url is not used: $problem"
  done
  return 1
}

# The working directory may be mounted noexec: then the node's directory for temporary files is tried. Only there does
# a name that nobody can guess matter.
file='' problem='no directory can be written'
for directory in "$PWD" "${TMPDIR:-/tmp}"; do
  if command -v mktemp >/dev/null 2>&1; then
    new=$(mktemp -d "$directory/apf-wrapper.XXXXXX" 2>/dev/null) || continue
  else
    [ "$directory" = "$PWD" ] || continue
    new=$directory/apf-wrapper.$$
  fi
  old=$home home=$new
  if [ -z "$file" ]; then
    file=$home/tarball
    fetch_any || fault 64 "no source gave the wrapper: $problem"
  fi
  problem=$(tar -xzf "$file" -C "$home" 2>&1) || fault 64 "the wrapper can't be unpacked: $problem"
  rm -rf "$file" "$old" 2>/dev/null
  for wrapper in "$home"/apf-wrapper.*; do # one for each architecture: the first that runs here
    "$wrapper" --version >/dev/null 2>&1 && exec "$wrapper" --wrapperhome "$home" "$@"
  done
  problem="the wrapper does not run in $directory"
  file=''
done
fault 64 "$problem"
