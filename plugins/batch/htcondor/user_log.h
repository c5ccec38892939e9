// The log that pilots write where the schedd's event log can't be followed: HTCondor's user log, one file for all
// pilots of a factory at a schedd, in XML form with our attributes (README.md, "Events").
//
// HTCondor only appends to it and keeps it open for as long as a pilot runs, so it is never renamed or cut. Instead the
// disk space of what was read is given back: the file keeps its length but holds no more than what was not read yet and
// 32 MiB.
//
// Thread-safety: safe, but Trimmer: one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "apf/batch.h"
#include "htcondor/tools.h"

namespace apf::batch_htcondor {

// Where it is below the spool's root.
std::string user_log_path(const std::string& root, const FactoryIdentity& me, const htcondor::Tools& tools);

// Does the schedd write the logs of jobs on this machine? Errors: Kind::config "htcondor.user_log"; else as of
// Tools::query().
Status writes_here(const htcondor::Tools& tools, Context& context);

// Makes it, so that it can be followed before the first pilot writes. Errors: Kind::transient "htcondor.spool";
// Kind::config "htcondor.user_log" when its file system can't give back the space of what was read.
Status prepare_user_log(const std::string& root, const std::string& path, const htcondor::Account& account);

// How many live pilots of this factory don't write it, since they were submitted otherwise. Errors as of
// Tools::query().
Result<std::int64_t> pilots_without(const std::string& path, const FactoryIdentity& me, const htcondor::Tools& tools,
                                    Context& context);

// Gives back the space of what was read.
class Trimmer {
 public:
  // All before `place` was read. The last 16 MiB before it stay: bookmarks that are not committed yet, and their check.
  void trim(const std::string& path, std::uint64_t place);

 private:
  std::uint64_t trimmed_ = 0;
};

}  // namespace apf::batch_htcondor
