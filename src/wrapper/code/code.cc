#include "wrapper/code/code.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "process/supervisor.h"
#include "wrapper/code/download.h"
#include "wrapper/code/verify.h"
#include "wrapper/curl_text.h"
#include "wrapper/exit_codes.h"
#include "wrapper/jobs/wms.h"
#include "wrapper/log.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoCode = "wrapper.no_code";
constexpr Duration kUnpackTime = seconds{300};
constexpr std::int64_t kLongestSignature = 4096;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Reproducible from the pilot's id; a pilot without one takes its chance.
std::uint64_t position() {
  const std::string submission = from_environment("APF_SUBMISSION");
  const std::string index = from_environment("APF_INDEX");
  std::uint64_t n = 0;
  std::from_chars(index.data(), index.data() + index.size(), n);
  return position_of(submission.empty() ? random_id() : submission, n);
}

std::string path_of(const std::string& url) {
  constexpr std::string_view scheme = "file://";
  return url.starts_with(scheme) ? url.substr(scheme.size()) : url;
}

bool is_gzip(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return in.get() == 0x1f && in.get() == 0x8b;
}

Result<std::string> fetch_signature(const Source& source, const std::string& file, const Download& like) {
  Download d = like;
  d.url = source.url + ".sig";
  d.file = file + ".sig";
  d.most_bytes = kLongestSignature;
  if (auto got = download(d); !got) return fail(Kind::transient, kNoCode, "no signature: " + got.error().what, d.url);
  std::ifstream in(d.file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status unpack(const std::string& archive, const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0)
    return fail(Kind::transient, kNoCode, "no directory can be made", directory);
  process::Limits limits{.deadline = mono_now() + kUnpackTime};
  limits.stop = &signals::ending();
  const auto done = process::run({.argv = {"tar", "-xzf", archive, "-C", directory}, .output_cap = 65536}, limits);
  if (!done) return fail(Kind::transient, kNoCode, "it can't be unpacked: " + done.error().what);
  if (done->exit_code != 0)
    return fail(Kind::transient, kNoCode, "it can't be unpacked: " + curl::last_line(done->err));
  ::unlink(archive.c_str());
  return {};
}

// One source, from fetching to unpacked.
Result<Code> from_source(const Surroundings& around, const Source& source, const std::string& place) {
  std::error_code e;
  if (const std::string path = path_of(source.url); fs::is_directory(path, e)) {
    if (source.check.how != Check::How::none)
      return fail(Kind::permanent, kNoCode, "a directory has no checksum and no signature", {}, "name an archive");
    return Code{.path = path, .is_directory = true};
  }
  const Download wanted{
      .url = source.url, .file = place, .proxy = around.options.code.proxy, .stop = &signals::ending()};
  if (auto got = download(wanted); !got) return fail(std::move(got.error()));
  std::string signature;
  if (source.check.how == Check::How::ed25519) {
    auto fetched = fetch_signature(source, place, wanted);
    if (!fetched) return fail(std::move(fetched.error()));
    signature = std::move(*fetched);
  }
  if (auto right = verify(place, source.check, signature); !right) return fail(std::move(right.error()));
  if (is_gzip(place)) {
    const std::string directory = place + ".d";
    if (auto done = unpack(place, directory); !done) {
      remove_tree(directory);
      return fail(std::move(done.error()));
    }
    return Code{.path = directory, .is_directory = true};
  }
  ::chmod(place.c_str(), 0700);
  return Code{.path = place};
}

Result<Code> from_version(const Surroundings& around, const PilotVersion& version) {
  const std::string name = version.type.empty() ? version.version : version.type + " " + version.version;
  log(Level::info, fmt::format("pilot code {}{}", name, version.development ? ", a development version" : ""));
  Error last;
  for (const Source& source : version.sources) {
    auto code = from_source(around, source, around.scratch.path() + "/code");
    if (code) {
      const bool checked = source.check.how != Check::How::none;
      log(checked ? Level::info : Level::warning,
          fmt::format("pilot code is from {}, {}", source.url, checked ? "checked" : "nothing vouches for it"));
      code->version = name;
      code->development = version.development;
      return code;
    }
    last = code.error();
    log(Level::warning, fmt::format("pilot code from {} is not used: {}", source.url, last.text()));
    if (signals::ending()) break;
  }
  return fail(Kind::transient, kNoCode, "no source gave pilot code " + name + ": " + last.what);
}

}  // namespace

Result<Code> get_code(const Surroundings& around, bool test) {
  const Options& o = around.options;
  std::vector<PilotVersion> own;
  std::span<const PilotVersion> versions = around.kit.versions;
  std::vector<std::string> types = around.kit.types;
  if (!o.code.types.empty()) types = o.code.types;
  if (!o.code.code.empty()) {
    auto named = pilots_of_options(o.code);
    if (!named) return fail(named.error());
    own = std::move(*named);
    versions = own;
    types = {""};
  }
  if (types.empty())
    return fail(Kind::config, "wrapper.no_pilot_code", "neither an option nor lookup.conf says which pilot code to run",
                {}, "--wrapperpilotcode or --wrapperpilottype");
  const std::uint64_t place = position();
  Error last;
  for (const std::string& type : types) {
    const PilotVersion* version = choose(versions, type, test, place);
    if (version == nullptr) {
      last = fail(Kind::config, "wrapper.no_pilot_code", "pilots.conf has no version of pilot type '" + type + "'")
                 .value();
      log(Level::warning, last.what);
      continue;
    }
    auto code = from_version(around, *version);
    if (code) return code;
    last = code.error();
    if (signals::ending()) break;
  }
  return fail(std::move(last));
}

Ending code_ending(const Error& error) {
  if (signals::ending()) return {kBySignal + signals::last_ending(), signals::name(signals::last_ending())};
  return {error.kind == Kind::config && error.code != "wrapper.no_curl" ? kUsage : kNodeFault, error.text()};
}

}  // namespace apf::wrapper
