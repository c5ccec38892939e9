// Config plug-in `file`: queues from a TOML file, or from all *.toml of a directory, that somebody else writes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apf/registry.h"

namespace apf {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLongest = std::uintmax_t{64} << 20;

constexpr std::array kOptions{
    OptionSpec{.name = "path",
               .type = OptionType::path,
               .doc = "a TOML file with [queue.NAME] sections, or a directory of such files (*.toml)",
               .required = true},
    OptionSpec{.name = "allow_empty",
               .type = OptionType::boolean,
               .fallback = "false",
               .doc = "take a directory without files as no queues; else it is an error, since a disk that is not "
                      "mounted looks the same"},
};

Result<RawDocument> read(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found)
    return fail(Kind::config, "config_file.missing", "no such file or directory", file.string(),
                "see the option path of this section");
  if (error) return fail(Kind::transient, "config_file.unreadable", "cannot look: " + error.message(), file.string());
  if (status.type() != fs::file_type::regular)
    return fail(Kind::config, "config_file.not_a_file", "not a file", file.string());
  if (fs::file_size(file, error) > kLongest)
    return fail(Kind::config, "config_file.too_long", "longer than 64 MiB", file.string());
  std::ifstream in(file, std::ios::binary);
  RawDocument document{file.string()};
  if (in) document.text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    return fail(Kind::transient, "config_file.unreadable", "cannot read", file.string(),
                "the factory's user needs to read it");
  document.folder = file.parent_path().string();
  return document;
}

// Names that end in .toml, in their order; hidden ones are files that an editor or a copy has not finished.
Result<std::vector<fs::path>> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(".toml") && !name.starts_with('.')) files.push_back(at->path());
  }
  if (error)
    return fail(Kind::transient, "config_file.unreadable", "cannot list: " + error.message(), directory.string());
  std::sort(files.begin(), files.end());
  return files;
}

class FileSource final : public ConfigSource {
 public:
  explicit FileSource(const Options& options)
      : path_(options.text("path")), allow_empty_(options.flag("allow_empty")) {}

  Result<View<RawQueues>> load(Context& /*context*/) override {
    std::vector<fs::path> files{path_};
    std::error_code ignored;
    if (fs::is_directory(path_, ignored)) {
      auto listed = files_of(path_);
      if (!listed) return fail(listed.error());
      files = std::move(*listed);
      if (files.empty() && !allow_empty_)
        return fail(Kind::config, "config_file.empty", "no *.toml file in this directory", path_.string(),
                    "if that is meant, set allow_empty = true");
    }
    View<RawQueues> view;
    for (const auto& file : files) {
      auto document = read(file);
      if (!document) return fail(document.error());
      view.data.push_back(std::move(*document));
    }
    view.complete = true;
    view.evidence = fmt::format("{}: {} files", path_.string(), files.size());
    return view;
  }

 private:
  fs::path path_;
  bool allow_empty_;
};

Result<std::unique_ptr<ConfigSource>> make(const Options& options) { return std::make_unique<FileSource>(options); }

}  // namespace

void register_config_file(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<ConfigSource>{"file", "Queues from a TOML file or a directory of them that somebody else writes",
                                    kOptions, make});
}

}  // namespace apf
