// Whose file it is, and bringing its schema up to date. For src/store only.
//
// Thread-safety: pure functions over one connection.
#pragma once

#include <span>
#include <string>

#include "store/connection.h"

namespace apf::store {

// Checks owner and version, and migrates (in one transaction, after a copy) when that is needed.
// Returns whether the file was made just now.
Result<bool> bring_up_to_date(const Connection& c, std::span<const Migration> migrations, const OpenOptions& options);

}  // namespace apf::store
