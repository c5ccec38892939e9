// Who the factory is to batch systems and pilots, as far as its configuration and the files beside it tell.
//
// Thread-safety: a pure function of files.
#pragma once

#include <string>

#include "apf/batch.h"
#include "apf/result.h"
#include "core/config.h"

namespace apf::engine {

struct IdentityFiles {
  std::string bootstrap, wrapper;  // empty: not installed
  bool keep = false;               // copies of wrappers into state_dir, where they are served from
};

// What pilots run by the configuration and the files as they are now: the wrapper's members of `me`. Errors: as
// file_sha256() and keep_wrapper().
Status choose_wrapper(FactoryIdentity& me, const core::FactorySettings& factory, const std::string& address,
                      const IdentityFiles& files);

// All but instance, run and user, which only a run knows. `address`: as the factory serves it, "host:port"; empty: not
// served. Errors: as choose_wrapper().
Result<FactoryIdentity> identity_of(const core::FactorySettings& factory, const std::string& address,
                                    const IdentityFiles& files);

}  // namespace apf::engine
