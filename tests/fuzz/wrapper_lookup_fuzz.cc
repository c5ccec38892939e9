// Tables of the wrapper's tarball and what stands for them on a command line, and a queue's JSON as others write it.
// Whatever is accepted can be used: a row that fits is found, a version that has a turn is chosen, a check has the form
// that libcrypto takes.
#include <cstdlib>

#include "wrapper/code/lookup.h"
#include "wrapper/code/pilot_code.h"
#include "wrapper/kinds/panda.h"

namespace {

using namespace apf::wrapper;  // NOLINT(google-build-using-namespace): one file, one subject

void require(bool ok) {
  if (!ok) std::abort();
}

void lookup(std::string_view text) {
  const auto rows = read_lookup(text);
  if (!rows) return require(rows.error().code == "wrapper.bad_table" && !rows.error().where.empty());
  for (const LookupRow& row : *rows) {
    for (const std::string& word : row.where) require(matches(word, word));
    // A row fits its own words, so something is found, and nothing less specific than it.
    const LookupRow* found = look_up(*rows, row.where);
    require(found != nullptr);
    for (std::size_t i = 0; i < row.where.size(); ++i) require(matches(found->where.at(i), row.where.at(i)));
  }
}

void usable(const std::vector<PilotVersion>& versions) {
  for (const PilotVersion& version : versions) {
    require(!version.sources.empty() && version.weight >= 0);
    for (const Source& source : version.sources) {
      const Check& check = source.check;
      require(check.how != Check::How::sha256 || check.value.size() == 64);
      require(check.how != Check::How::ed25519 || check.value.size() == 32);
    }
    const PilotVersion* chosen = choose(versions, version.type, version.development, 7);
    require(chosen == nullptr ? version.weight == 0 && !version.development : chosen->type == version.type);
  }
}

void code(std::string_view text) {
  if (const auto versions = read_pilots(text)) usable(*versions);
  CodeOptions options;
  const std::size_t first = std::min(text.find('\n'), text.size());
  options.code = text.substr(0, first);
  options.checksums = first < text.size() ? text.substr(first + 1) : "";
  options.urls = "http://a/b,/c";
  if (const auto versions = pilots_of_options(options)) usable(*versions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lookup(text);
  code(text);
  if (const auto queue = read_queue_data(text))
    for (const auto& [name, value] : queue->environ)
      require(!name.empty() && name.find('=') == std::string::npos && value.find('\0') == std::string::npos);
  return 0;
}
