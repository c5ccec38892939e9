// `apf replay`: every decision of a journal, computed again.
#include "engine/replay.h"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "core/factory.h"
#include "factory/commands.h"

namespace apf::factory {

int replay(const Target& target, const ReplayArgs& args, const Registry& registry, std::ostream& out,
           std::ostream& err) {
  std::string path = args.journal;
  if (path.empty()) {
    const auto dir = find_state_dir(target);
    if (!dir) return complain(target, dir.error(), out, err);
    path = *dir + "/journal";
  }
  const auto differs = [&](const core::Decision& was, const core::Decision& is) {
    if (!target.json)
      out << fmt::format("{} {}: was {}\n{:>{}} now {}\n", iso8601(was.at), was.queue, core::message(was), "",
                         was.queue.size() + 21, core::message(is));
  };
  const auto result = engine::replay(path, {.queue = args.queue, .since = {}, .until = {}}, registry, differs);
  if (!result) return complain(target, result.error(), out, err);
  const auto& r = *result;
  if (target.json)
    out << fmt::format(
        R"({{"decisions":{},"equal":{},"different":{},"skipped":{},"unreadable_lines":{},"dropped_lines":{}}})"
        "\n",
        r.decisions, r.equal, r.different, r.skipped, r.journal.unreadable, r.journal.dropped);
  else
    out << fmt::format("{} decisions: {} came out equal, {} different, {} were held before their chain ran\n",
                       r.decisions, r.equal, r.different, r.skipped);
  return r.different == 0 ? kGood : kFailed;
}

}  // namespace apf::factory
