#include "wrapper/code/kit.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "wrapper/log.h"
#include "wrapper/payload/scratch.h"

namespace apf::wrapper {
namespace {

std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void remove_home(const std::string& directory) {
  if (std::filesystem::path(directory).filename().string().starts_with("apf-wrapper.")) remove_tree(directory);
}

Result<Kit> take_kit(const Options& o) {
  Kit kit;
  if (!o.home.empty()) {
    auto rows = read_lookup(content(o.home + "/lookup.conf"));
    auto versions = read_pilots(content(o.home + "/pilots.conf"));
    remove_home(o.home);
    if (!rows) return fail(std::move(rows.error()));
    if (!versions) return fail(std::move(versions.error()));
    kit.rows = std::move(*rows);
    kit.versions = std::move(*versions);
  }
  if (const LookupRow* row = look_up(kit.rows, {o.wms_queue, o.batch_queue, o.grid, o.vo}); row != nullptr) {
    log(Level::info, fmt::format("{} is for this pilot", row->line));
    kit.plugin = row->plugin;
    kit.types = row->pilot_types;
  }
  if (!o.plugin.empty()) kit.plugin = o.plugin;
  return kit;
}

}  // namespace apf::wrapper
