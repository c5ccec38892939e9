// Replies of real PanDA servers in tests/data/panda: exchanges that start with a line "--- ..." or "## ..." and end
// with one like "[200 text/plain 0.01s]".
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace apf::tests {

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The body of the exchange whose first line contains `title`.
inline std::string panda_sample(const std::string& file, const std::string& title) {
  std::istringstream text(read_file(std::string(APF_SOURCE_DIR) + "/tests/data/panda/" + file));
  std::string line;
  std::string body;
  bool inside = false;
  while (std::getline(text, line)) {
    if (inside && line.starts_with("[")) return body;
    if (inside) body += (body.empty() ? "" : "\n") + line;
    if (!inside && line.find(title) != std::string::npos) inside = true;
  }
  throw std::runtime_error("no exchange '" + title + "' in " + file);
}

}  // namespace apf::tests
