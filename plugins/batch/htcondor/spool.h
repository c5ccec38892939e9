// What HTCondor fetches when a pilot starts, long after its submission: for each submission of n pilots the report key
// <spool>/<submission id>.<n>.key (mode 0600) and the submit description (.sub), owned by the account that submits; for
// BLAHP, which works in a directory of its own, also <spool>/<submission id>.<n>/. Beside them <spool>/input/ with
// copies of input files that this account can't read itself. (A directory each would be tidier; it costs more than the
// rest of a submission.)
//
// They go away when all n pilots were seen to end, or the submission was refused, or 7 days after it if none of its
// pilots is live: never because one view did not show them.
//
// Thread-safety: safe; submissions and polls come from different threads.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "apf/batch.h"
#include "htcondor/tools.h"

namespace apf::batch_htcondor {

class Spool {
 public:
  // `configured`: option spool, may be empty.
  Spool(std::string configured, htcondor::Account account)
      : configured_(std::move(configured)), account_(std::move(account)) {}

  // The directory that holds all of it.
  [[nodiscard]] std::string root(const FactoryIdentity& me) const;

  struct Prepared {
    std::string key_file, description_file;
    std::string directory;                 // for BLAHP
    std::vector<std::string> input_files;  // as the submitting account can read them
  };
  // Where prepare() would put things; nothing is made.
  [[nodiscard]] Prepared places(const SubmitOrder& order) const;
  // Writes the submission's key, and makes its directory where the flavour wants one. Errors: Kind::transient
  // "htcondor.spool" (nothing was submitted).
  Result<Prepared> prepare(const SubmitOrder& order);
  // Writes the description and makes the log directory. Errors as above.
  Status write(const Prepared& prepared, const std::string& description, const std::string& log_dir);
  // The submission was refused: nothing will fetch its files.
  void forget(const SubmitOrder& order, const Prepared& prepared);
  // Takes note of what a poll saw, and cleans up.
  void saw(const FactoryIdentity& me, std::span<const PilotSeen> live, std::span<const PilotSeen> ended, Wall now);

 private:
  Result<std::vector<std::string>> readable(const std::string& root, const std::vector<std::string>& files) const;
  void list(const std::string& root);
  void sweep(const std::string& root, const std::set<std::string>& live, Wall now);

  const std::string configured_;
  const htcondor::Account account_;
  std::mutex mutex_;
  struct Open {
    std::size_t n = 0;
    std::set<std::uint32_t> ended;  // indices of the pilots that were seen to end
  };
  std::map<std::string, Open> open_;  // submission -> what its files wait for
  bool listed_ = false;               // open_ holds what an earlier run left behind
  Wall swept_{};
};

}  // namespace apf::batch_htcondor
