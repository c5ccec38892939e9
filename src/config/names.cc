#include <algorithm>

#include "config/assembly.h"

namespace apf::config {

bool plain_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 64 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), plain);
}

std::string log_folder(std::string_view queue) {
  std::string folder(queue);
  for (char& c : folder)
    if (c == '/' || c == ':') c = '_';
  return folder;
}

}  // namespace apf::config
