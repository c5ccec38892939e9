#include "engine/identity.h"

#include "engine/wrapper_store.h"

namespace apf::engine {

Status choose_wrapper(FactoryIdentity& me, const core::FactorySettings& factory, const std::string& address,
                      const IdentityFiles& files) {
  const auto choose = [&](const std::string& file, std::string& url, std::string& sha256) -> Status {
    url.clear();
    sha256.clear();
    if (file.empty()) return {};
    auto sum = files.keep ? keep_wrapper(file, wrapper_directory(factory.state_dir)) : file_sha256(file);
    if (!sum) return fail(std::move(sum.error()));
    url = wrapper_urls(file, *sum, address);
    sha256 = std::move(*sum);
    return {};
  };
  if (auto chosen =
          choose(factory.wrapper.empty() ? files.wrapper : factory.wrapper, me.wrapper_url, me.wrapper_sha256);
      !chosen)
    return chosen;
  return choose(factory.next_wrapper, me.next_wrapper_url, me.next_wrapper_sha256);
}

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
  if (auto chosen = choose_wrapper(me, factory, address, files); !chosen) return fail(std::move(chosen.error()));
  return me;
}

}  // namespace apf::engine
