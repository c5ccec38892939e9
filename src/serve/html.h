// Text in pages: what comes from outside is escaped here and nowhere else.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace apf::serve {

std::string html_escape(std::string_view text);  // for text and for attributes in quotes

}  // namespace apf::serve
