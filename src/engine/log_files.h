// Serves the pilots' log tree below /logs/: directories as HTML or JSON lists, files with ranges, so that a browser and
// `curl -r -4096` both work on a running pilot's output.
//
// Payloads may write into this tree: no symbolic link is followed, only names that are logs (by their ending) are
// shown, and all text goes out as plain text in a sandbox, never as a page of ours.
//
// Thread-safety: pure functions over the file system; log_list reads a directory and may block.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace apf::engine {

// The media type of a log's name; nothing when it is not to be served.
std::optional<std::string> log_type(std::string_view name);

// `path` is decoded and relative to `root`. A file's Response is handed to the server as it is.
net::Response log_file(const std::string& root, const std::string& path);

// A directory's list: sub-directories first, then logs, each with size and time; at most 10 000 entries.
net::Response log_list(const std::string& root, const std::string& path, bool as_json);

}  // namespace apf::engine
