#include "wrapper/options/code_options.h"

#include <algorithm>
#include <array>

#include "wrapper/options/option_rows.h"

namespace apf::wrapper::rows {
namespace {

using All = apf::wrapper::Options;
constexpr auto kCode = &All::code;

Status set_types(All& o, const std::string& v) {
  o.code.types = words(v);
  return o.code.types.empty() ? Status(bad("'" + v + "' is no list of pilot types", "write TYPE,TYPE,...")) : Status{};
}

Status set_purpose(All& o, const std::string& v) {
  std::string word = v;
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');  // the original's are in capitals
  if (word != "production" && word != "test" && word != "testpilot")
    return bad("'" + v + "' is no purpose", "production, test or testpilot");
  o.code.test = word != "production";
  return {};
}

Status set_proxy(All& o, const std::string& v) {
  if (v.find_first_of(" \t") != std::string::npos)
    return bad("'" + v + "' is no address of a proxy", "http://HOST:PORT");
  o.code.proxy = v;
  return {};
}

Status add_argument(All& o, const std::string& v) {
  o.code.arguments.push_back(v);
  return {};
}

constexpr std::array kRows{
    Row{"--wrapperpurpose", "PURPOSE", "production, test or testpilot: tests take development versions", set_purpose},
    Row{"--wrapperpilottype", "TYPES", "types of pilot code in pilots.conf, tried in this order", set_types},
    Row{"--wrapperpilotcode", "CODE", "pilot code instead: URL, path or name; [A,B],C: B if A fails, or C",
        text<&CodeOptions::code, kCode>},
    Row{"--wrapperpilotcodeurl", "URLS", "where names in --wrapperpilotcode are fetched from",
        text<&CodeOptions::urls, kCode>},
    Row{"--wrapperpilotcodechecksum", "LIST", "for each of [A,B],C: SHA-256, ed25519:KEY or none",
        text<&CodeOptions::checksums, kCode>},
    Row{"--wrapperpilotcoderatio", "LIST", "weights of the groups of --wrapperpilotcode: 99,1",
        text<&CodeOptions::ratio, kCode>},
    Row{"--wrapperproxy", "URL", "HTTP proxy (squid) for the wrapper's tarball and pilot code", set_proxy},
    Row{"--wrapperextraopts", "WORD", "a word for the pilot; may stand often", add_argument},
    Row{"--wrapperprogram", "PATH", "exec: what to run of the code; without pilot code: a program of the node",
        text<&CodeOptions::program, kCode>},
    Row{"--wrapperpython", "PROGRAM", "panda: what runs pilot.py; default python3", text<&CodeOptions::python, kCode>},
    Row{"--wrapperqueuedata", "URL", "panda: JSON of the queue, {queue} is its name",
        text<&CodeOptions::queuedata, kCode>},
};

}  // namespace

std::span<const Row> of_code() { return kRows; }

}  // namespace apf::wrapper::rows
