// Options that apf-bootstrap.sh uses: they are checked here once more and passed over, so that one command line serves
// both.
#include <array>

#include "wrapper/options/option_rows.h"

namespace apf::wrapper::rows {
namespace {

using All = apf::wrapper::Options;

Status anything(All& /*o*/, const std::string& /*v*/) { return {}; }

Status any_number(All& /*o*/, const std::string& v) {
  std::int64_t n = 0;
  return read_number(v, n) ? Status{} : Status(bad("'" + v + "' is not a whole number from 0"));
}

Status any_platform(All& /*o*/, const std::string& v) {
  for (const std::string_view name : {"LOCAL", "Local", "local", "OSG", "EGI"})
    if (v == name) return {};
  return bad("'" + v + "' is no platform", "LOCAL, OSG or EGI");
}

Status any_sha256(All& /*o*/, const std::string& v) {
  if (v.size() != 64 || v.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
    return bad("'" + v + "' is no SHA-256", "64 hexadecimal digits");
  return {};
}

constexpr std::array kRows{
    Row{"--wrappertarballurl", "URLS", "bootstrap: the wrapper's tarball; URL,URL: the next one if one fails",
        anything},
    Row{"--wrappertarballchecksum", "HEX", "bootstrap: SHA-256 of the tarball", any_sha256},
    Row{"--wrappernext", "N/PERCENT", "bootstrap: the share of pilots that take the next tarball", anything},
    Row{"--wrappernexturl", "URLS", "bootstrap: the next tarball", anything},
    Row{"--wrappernextchecksum", "HEX", "bootstrap: SHA-256 of the next tarball", any_sha256},
    Row{"--wrapperplatform", "NAME", "bootstrap: LOCAL, OSG or EGI; default: --wrappergrid if it is one", any_platform},
    Row{"--wrapperspecialcmd", "COMMAND", "bootstrap: run in its shell after the grid's set-up", anything},
    Row{"--wrappervlimit", "KB", "bootstrap: virtual memory of each process (ulimit -v)", any_number},
};

}  // namespace

std::span<const Row> of_bootstrap() { return kRows; }

}  // namespace apf::wrapper::rows
