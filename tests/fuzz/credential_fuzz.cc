// Readers of credentials: whatever a file holds, they must not crash, and what they accept must make sense.
#include <cstdlib>

#include "credential/credential.h"
#include "credential/voms.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  using namespace apf::credential;
  const auto require = [](bool ok) {
    if (!ok) std::abort();
  };
  for (const auto& fqan : read_voms(text).fqans) require(fqan.starts_with('/') && fqan.find('\n') == std::string::npos);
  const auto c = read(text);
  if (!c) {
    require(c.error().kind == apf::Kind::transient && !c.error().what.empty());
    return 0;
  }
  require(c->ends.ms >= 0 && c->begins.ms >= 0);
  require(c->identity.find('\n') == std::string::npos && c->issuer.find('\n') == std::string::npos);
  for (const auto& audience : c->audiences) require(audience.find('\n') == std::string::npos);
  (void)check(*c, {.fqan = "/x", .min_life = apf::seconds{1}}, apf::Wall{1});
  return 0;
}
