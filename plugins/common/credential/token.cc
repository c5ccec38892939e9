#include "credential/token.h"

#include <algorithm>

namespace apf::credential {

bool is_token(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; });
}

}  // namespace apf::credential
