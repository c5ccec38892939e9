#include "engine/log_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "net/http_client.h"
#include "net/open_beneath.h"
#include "net/outgoing.h"
#include "serve/html.h"

namespace apf::engine {
namespace {

constexpr std::size_t kMostEntries = 10'000;
constexpr std::array<std::string_view, 8> kText{"out", "err", "log", "txt", "sub", "jdl", "json", "xml"};
constexpr std::array<std::string_view, 3> kPacked{"gz", "zst", "xz"};

struct Entry {
  bool file = false;  // else a directory
  std::string name;
  std::int64_t size = 0;
  Wall modified;
};

struct List {
  std::vector<Entry> entries;
  bool cut = false;  // there are more
};

struct DirClose {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

bool is_one_of(std::string_view ending, const auto& endings) {
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

std::optional<Entry> look_at(DIR* dir, const char* name) {
  struct stat st{};
  const int fd = ::dirfd(dir);
  if (fd < 0 || name[0] == '.' || ::fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return {};
  const bool file = S_ISREG(st.st_mode);
  if (!S_ISDIR(st.st_mode) && !(file && log_type(name))) return {};
  return Entry{file, name, st.st_size, Wall{std::int64_t{st.st_mtim.tv_sec} * 1000}};
}

List read_list(DIR* dir) {
  List list;
  while (const dirent* one = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
    auto entry = look_at(dir, one->d_name);
    if (!entry) continue;
    if (list.entries.size() == kMostEntries) {
      list.cut = true;
      break;
    }
    list.entries.push_back(std::move(*entry));
  }
  std::sort(list.entries.begin(), list.entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.file, a.name) < std::tie(b.file, b.name); });
  return list;
}

std::string as_html(const List& list, const std::string& path) {
  const auto title = serve::html_escape("logs/" + path);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\n"
      "<body><h1>{0}</h1>\n<table>\n<tr><th>name</th><th>bytes</th><th>changed</th></tr>\n",
      title);
  if (!path.empty()) out += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const auto& e : list.entries) {
    const char* slash = e.file ? "" : "/";
    // "./" keeps a name like "a:b" from being read as a scheme.
    out += fmt::format("<tr><td><a href=\"./{}{}\">{}{}</a></td><td>{}</td><td>{}</td></tr>\n",
                       net::percent_encode(e.name), slash, serve::html_escape(e.name), slash,
                       e.file ? std::to_string(e.size) : "", iso8601(e.modified));
  }
  out += "</table>\n";
  if (list.cut) out += fmt::format("<p>Only {} entries are shown.</p>\n", kMostEntries);
  return out + "</body></html>\n";
}

std::string as_json_text(const List& list, const std::string& path) {
  auto entries = nlohmann::ordered_json::array();
  for (const auto& e : list.entries) {
    nlohmann::ordered_json form{{"name", e.name}, {"type", e.file ? "file" : "directory"}};
    if (e.file) form["size"] = e.size;
    form["modified"] = iso8601(e.modified);
    entries.push_back(std::move(form));
  }
  const nlohmann::ordered_json all{{"path", path}, {"entries", std::move(entries)}, {"complete", !list.cut}};
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

net::Response missing() { return net::problem(404, "api.not_found", "there is no such log"); }

}  // namespace

std::optional<std::string> log_type(std::string_view name) {
  if (name.starts_with('.')) return {};
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const auto ending = name.substr(dot + 1);
  if (is_one_of(ending, kText)) return "text/plain; charset=utf-8";
  if (is_one_of(ending, kPacked)) return "application/octet-stream";
  return {};
}

net::Response log_file(const std::string& root, const std::string& path) {
  const auto type = log_type(std::string_view(path).substr(path.rfind('/') + 1));
  if (!type) return missing();
  net::Response response;
  response.type = *type;
  response.beneath = root;
  response.file = path;
  response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'";
  return response;
}

net::Response log_list(const std::string& root, const std::string& path, bool as_json) {
  auto fd = net::open_beneath(root, path);
  if (!fd) return missing();
  const std::unique_ptr<DIR, DirClose> dir(::fdopendir(fd->get()));
  if (!dir) return missing();
  fd->release();  // closed with the stream
  const auto list = read_list(dir.get());
  net::Response response;
  response.type = as_json ? "application/json" : "text/html; charset=utf-8";
  response.body = as_json ? as_json_text(list, path) : as_html(list, path);
  response.headers["Content-Security-Policy"] = "default-src 'none'";
  return response;
}

}  // namespace apf::engine
