// Files that the submitting account must be able to read, which is another one when the factory is root's.
// Errors: Kind::transient "htcondor.spool": nothing was submitted.
//
// Thread-safety: safe for different paths.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "apf/result.h"
#include "htcondor/tools.h"

namespace apf::batch_htcondor {

// `error`: an errno.
tl::unexpected<Error> spool_failed(std::string_view what, const std::string& path, int error);

// Parents get mode 0755 less the umask; the last one `mode` and, for root, the submitting account as its owner.
Status make_directory(const std::string& path, mode_t mode, const htcondor::Account& account);

// Mode 0600, owned by the submitting account.
Status write_file(const std::string& path, std::string_view content, const htcondor::Account& account);
// The same in one step: who reads meanwhile gets either the old or the new one.
Status replace_file(const std::string& path, std::string_view content, const htcondor::Account& account);

}  // namespace apf::batch_htcondor
