#include "engine/identity.h"

#include "engine/wrapper_file.h"

namespace apf::engine {

Result<FactoryIdentity> identity_of(const core::FactorySettings& factory, const std::string& address,
                                    const IdentityFiles& files) {
  const auto served = [&](const std::string& told, const char* path) {
    return !told.empty() || address.empty() ? told : "http://" + address + path;
  };
  FactoryIdentity me;
  me.factory_id = factory.factory_id;
  me.report_url = served(factory.report_url, "/apfmon");
  me.log_url = served(factory.log_url, "/logs");
  me.log_dir = factory.log_dir;
  me.state_dir = factory.state_dir;
  me.bootstrap = files.bootstrap;
  if (files.wrapper.empty()) return me;
  auto sum = file_sha256(files.wrapper);
  if (!sum) return fail(sum.error());
  me.wrapper_sha256 = std::move(*sum);
  me.wrapper_url = wrapper_url(files.wrapper, address);
  return me;
}

}  // namespace apf::engine
