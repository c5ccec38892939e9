// The VOMS attributes in a certificate's extension, in DER.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/time.h"

namespace apf::credential {

struct VomsAttributes {
  std::vector<std::string> fqans;
  Wall ends;  // 0: not told
};

// The value of extension 1.3.6.1.4.1.8005.100.100.5. Anything may come in; what makes no sense is left out.
VomsAttributes read_voms(std::string_view der);

// "YYYYMMDDHHMMSSZ"; 0 for anything else.
Wall generalized_time(std::string_view text);

}  // namespace apf::credential
