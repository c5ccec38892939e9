// Files of web/ and docs/monitor-api.json as they are in the program; the list is generated (cmake/embed.cmake).
//
// Thread-safety: constants.
#pragma once

#include <span>
#include <string_view>

namespace apf::monitor {

struct WebFile {
  std::string_view path;  // "app.js"
  std::string_view content;
};
std::span<const WebFile> web_files();

}  // namespace apf::monitor
