#include "import/old_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "import/words.h"

namespace apf::import {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  Reader(const std::string& file, config::Errors& errors, std::vector<std::string>& notes)
      : beside_(fs::path(file).parent_path()), errors_(errors), notes_(notes) {}

  void read(const std::string& file, Ini& ini) {
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) return wrong("import.unreadable", "this is a folder", file);
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) return wrong("import.unreadable", "the file can't be read", file);
    read_ini(text, file, ini, errors_);
  }

  // "file:///etc/autopyfactory/queues.conf, ~/more.conf": later ones win.
  Ini list(const IniSection& factory, std::string_view key, bool needed) {
    Ini out;
    for (const std::string& name : split(value(factory, key), ',')) {
      const auto file = locate(name, factory.values.find(key)->second.origin, needed);
      if (file.empty()) continue;
      Ini one;
      read(file, one);
      one.spread_defaults();
      out.merge(std::move(one));
    }
    return out;
  }

  // All files *.conf of a folder; they share their [DEFAULT].
  Ini folder(const IniSection& factory, std::string_view key) {
    Ini out;
    const auto name = value(factory, key);
    if (name.empty()) return out;
    const auto path = locate(name, factory.values.find(key)->second.origin, true);
    if (path.empty()) return out;
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path, error))
      if (entry.path().extension() == ".conf") files.push_back(entry.path());
    if (error) wrong("import.unreadable", fmt::format("'{}' is no folder: {}", path, error.message()), path);
    std::sort(files.begin(), files.end());
    for (const auto& file : files) read(file, out);
    out.spread_defaults();
    return out;
  }

 private:
  void wrong(const char* code, std::string what, std::string where, std::string advice = {}) {
    errors_.push_back({Kind::config, code, std::move(what), std::move(where), std::move(advice)});
  }

  std::string value(const IniSection& section, std::string_view key) {
    auto found = resolve(section, key);
    if (!found) errors_.push_back(found.error());
    if (!found || !*found || is_none(**found)) return {};
    return **found;
  }

  std::string locate(std::string name, const Origin& where, bool needed) {
    if (name.starts_with("file://")) name.erase(0, 7);
    if (name.find("://") != std::string::npos) {
      notes_.push_back(fmt::format("{}: '{}' is not fetched; bring it along as a file", where.text(), name));
      return {};
    }
    if (name.starts_with("~/"))
      if (const char* home = std::getenv("HOME"); home != nullptr) name = home + name.substr(1);
    std::error_code ignored;
    for (const fs::path& path : {beside_ / name, beside_ / fs::path(name).filename()})
      if (fs::exists(path, ignored)) return path;
    if (needed)
      wrong("import.missing_file", fmt::format("'{}' is not there", name), where.text(),
            "it may also stand beside the first file");
    else
      notes_.push_back(fmt::format("{}: '{}' is not there; what it says is left out", where.text(), name));
    return {};
  }

  fs::path beside_;
  config::Errors& errors_;
  std::vector<std::string>& notes_;
};

}  // namespace

OldFiles read_old_files(const std::string& file, config::Errors& errors) {
  OldFiles out;
  Reader reader(file, errors, out.notes);
  Ini first;
  reader.read(file, first);
  first.spread_defaults();
  const IniSection* factory = first.find("Factory");
  if (factory == nullptr) {
    if (errors.empty())
      errors.push_back({Kind::config, "import.no_factory", "there is no section [Factory]", file,
                        "name the file that the factory was started with, such as autopyfactory.conf"});
    return out;
  }
  out.factory = *factory;
  out.queues = reader.list(*factory, "queueConf", true);
  out.queues.merge(reader.folder(*factory, "queueDirConf"));
  out.auth = reader.list(*factory, "authConf", false);
  out.monitor = reader.list(*factory, "monitorConf", false);
  return out;
}

}  // namespace apf::import
