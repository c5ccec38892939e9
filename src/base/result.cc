#include "apf/result.h"

namespace apf {

const char* name(Kind kind) {
  switch (kind) {
    case Kind::config: return "config";
    case Kind::transient: return "transient";
    case Kind::permanent: return "permanent";
    case Kind::uncertain: return "uncertain";
    case Kind::bug: return "bug";
  }
  return "bug";
}

std::string Error::text() const {
  std::string s;
  if (!where.empty()) s += where + ": ";
  s += what;
  if (!advice.empty()) s += " (" + advice + ")";
  if (!code.empty()) s += " [" + code + "]";
  return s;
}

}  // namespace apf
