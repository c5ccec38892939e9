// A journal's line may be torn, damaged or of another program: reading it must never do harm.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/journal_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  apf::engine::JournalCount count;
  const apf::engine::JournalHandlers handlers{
      .config = [](const apf::engine::JournalConfig&) {},
      .decision = [](const apf::core::Decision& d) { (void)apf::core::message(d); },
      .repeats = [](const std::string&, apf::Wall, apf::Wall, std::int64_t) {}};
  apf::engine::read_journal_line(line, {}, handlers, count);
  apf::engine::read_journal_line(line, {.queue = "Q", .since = apf::Wall{1}, .until = apf::Wall{2}}, handlers, count);
  return 0;
}
