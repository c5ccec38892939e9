// Reads pilots and submissions from the ledger beside the writer, for the API and the command line. It sees what is
// committed: at most one pass behind the factory's own state.
//
// Thread-safety: all members may be called from any thread, one at a time inside.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apf/result.h"
#include "core/record.h"

namespace apf::engine {

struct PilotFilter {
  std::string queue{}, batch{}, batch_id{}, submission{}, node{};  // empty: any
  std::vector<PilotState> states{};                                // empty: any
  bool live_only = true;
  bool missing_only = false;
  Wall submitted_before{}, ended_after{};  // 0: no bound
  std::uint64_t after = 0;                 // pages: pilots with a larger number only
  std::int64_t most = 1000;
};

class LedgerReader {
 public:
  explicit LedgerReader(const std::string& state_dir);
  LedgerReader(const LedgerReader&) = delete;
  LedgerReader& operator=(const LedgerReader&) = delete;
  ~LedgerReader();

  // Ordered by number.
  Result<std::vector<core::Pilot>> pilots(const PilotFilter& filter);
  Status live_ids(const std::function<void(const std::string& batch_id)>& each);
  Result<std::vector<core::Submission>> submissions(bool open_only, std::int64_t most);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apf::engine
