// Credentials of queues: read at each submission, judged, and kept as copies at paths that never change, so that
// HTCondor (schedd, gridmanager, shadow), which reads them again whenever it needs them, finds the renewed one for
// pilots that were submitted long ago.
//
// A copy is <spool>/credential/<key>/proxy.pem or apf-token, mode 0600, replaced in one step. Beside it a file `source`
// says where it came from, so that a factory that was restarted goes on renewing it.
//
// Thread-safety: safe; submissions and polls come from different threads.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/queue.h"
#include "credential/credential.h"
#include "htcondor/tools.h"

namespace apf::batch_htcondor {

class Credentials {
 public:
  explicit Credentials(htcondor::Account account) : account_(std::move(account)) {}

  // Paths for the description; both empty: the queue has no credential.
  struct Copy {
    std::string proxy, token;
  };
  // Reads the queue's credential (or runs its command, at most every kPause), judges it, and renews the copy below
  // `root`. Errors, Kind::transient: "credential.*", "htcondor.spool"; nothing was submitted.
  Result<Copy> prepare(const std::string& root, const QueueSpec& queue, Context& context);
  // Where prepare() would put it, for a preview; by the kind of what is there now, a proxy when that can't be told.
  static Copy place(const std::string& root, const Options& submit);
  // Renews all copies below `root` whose source has a better one, at most every minute.
  void renew(const std::string& root, Context& context);

 private:
  struct Source {
    std::string file;                  // or
    std::vector<std::string> command;  // what prints it
    [[nodiscard]] std::string key() const;
  };
  static Source source_of(const Options& submit);
  struct Last {
    Mono tried{};
    std::string content;
  };
  Result<std::string> content(const Source& source, Context& context);
  Result<Copy> keep(const std::string& root, const Source& source, const std::string& content,
                    credential::Type type) const;
  void renew_one(const std::string& root, const std::string& folder, Context& context);

  const htcondor::Account account_;
  std::mutex mutex_;
  std::map<std::string, Last> commands_;  // by key: their last answers
  Mono renewed_{};
};

// Do the options about credentials fit together? Errors: Kind::config.
Status check_credential_options(const Options& submit);

}  // namespace apf::batch_htcondor
