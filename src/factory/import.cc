// `apf import`: a configuration of AutoPyFactory becomes one of ours.
#include "import/import.h"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "factory/commands.h"

namespace apf::factory {
namespace {

void complain(const config::Errors& errors, std::ostream& err) {
  for (const Error& e : errors) err << "apf import: " << e.text() << '\n';
}

}  // namespace

int import(const ImportArgs& args, const Registry& registry, std::ostream& out, std::ostream& err) {
  const auto made = import::import_autopyfactory(args.file, registry);
  if (!made) {
    complain(made.error(), err);
    return kBadInput;
  }
  out << made->toml << std::flush;
  for (const auto& note : made->notes) err << "note: " << note << '\n';
  err << fmt::format("{} queues, {} left out, {} notes\n", made->queues, made->left_out, made->notes.size());
  const auto folder = std::filesystem::path(args.file).parent_path().string();
  const config::Text text{"the result", folder, made->toml};
  const auto checked = config::assemble({&text, 1}, registry, {.when = wall_now(), .fetch = {}});
  if (checked) return kGood;
  err << "apf import: the result needs a hand before it passes `apf check`:\n";
  complain(checked.error(), err);
  return kFailed;
}

}  // namespace apf::factory
