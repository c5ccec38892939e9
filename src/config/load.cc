#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace apf::config {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = std::uintmax_t{64} << 20;

Result<Text> read_file(const fs::path& path) {
  std::error_code ec;
  const auto status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found)
    return fail(Kind::config, "config.missing_file", fmt::format("no file '{}'", path.string()), "",
                "name an existing configuration file");
  if (status.type() == fs::file_type::directory)
    return fail(Kind::config, "config.unreadable", fmt::format("'{}' is a folder", path.string()), "",
                "name the configuration file in it");
  if (const auto size = fs::file_size(path, ec); !ec && size > kLargestFile)
    return fail(Kind::config, "config.unreadable", fmt::format("'{}' is larger than 64 MiB", path.string()));
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in.is_open() || in.bad())
    return fail(Kind::config, "config.unreadable", fmt::format("can't read '{}'", path.string()), "",
                "check that the factory's user may read it");
  // Paths in it are passed on to programs that run elsewhere: they must not depend on where apf was started.
  fs::path whole = fs::absolute(path, ec);
  if (ec) whole = fs::path(".") / path;
  return Text{path.string(), whole.parent_path().lexically_normal().string(), text.str()};
}

// The *.toml files of queues.d, in the order of their names; hidden ones (an editor's) are left out.
std::vector<fs::path> more_files(const fs::path& file, Errors& errors) {
  const fs::path folder = file.parent_path() / "queues.d";
  std::error_code ec;
  std::vector<fs::path> found;
  if (!fs::exists(folder, ec)) return found;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename().string();
    if (it->path().extension() == ".toml" && name.front() != '.') found.push_back(it->path());
  }
  if (ec)
    errors.push_back({Kind::config, "config.unreadable",
                      fmt::format("can't read the folder '{}': {}", folder.string(), ec.message()), "", ""});
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

LoadResult load(const std::string& file, const Registry& registry, const LoadOptions& options) {
  Errors errors;
  std::vector<Text> texts;
  std::vector<fs::path> files{file};
  for (auto& more : more_files(file, errors)) files.push_back(std::move(more));
  for (const auto& path : files) {
    auto text = read_file(path);
    if (text)
      texts.push_back(std::move(*text));
    else
      errors.push_back(std::move(text.error()));
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return assemble(texts, registry, options);
}

}  // namespace apf::config
