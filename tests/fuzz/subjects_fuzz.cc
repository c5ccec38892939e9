// The file that says whose certificates may do what: whatever is read grants nothing that no line names.
#include <cstdint>
#include <cstdlib>

#include "jobqueue/subjects.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto subjects = apf::jobqueue::read_subjects(text);
  if (!subjects) return 0;
  for (const auto& line : subjects->lines()) {
    if (line.scope == apf::jobqueue::Scope::nobody || !line.name.starts_with('/')) std::abort();
    if (subjects->scope(line.name) == apf::jobqueue::Scope::nobody) std::abort();
  }
  if (subjects->scope("") != apf::jobqueue::Scope::nobody) std::abort();
  if (subjects->scope("no name") != apf::jobqueue::Scope::nobody) std::abort();
  return 0;
}
