// Batch plug-in `local`: pilots run in slots on this machine. The spool (keeper/spool.h) holds all state; the plug-in
// writes orders and reads what became of them, keepers do the rest, with or without a factory.
//
// Thread-safety: as apf::Batch: one thread in submit() and remove(), another one in poll() and find().
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apf/batch.h"
#include "ended_log.h"
#include "keeper/spool.h"

namespace apf::local {

struct Settings {
  std::int64_t slots = 1;
  std::string directory;  // empty: <state_dir>/local
  std::string keeper;     // path of apf-keeper
  std::int64_t grace_ms = 10'000;
  std::int64_t keep_ended_ms = 86'400'000;
  std::int64_t nice = 0;
  std::string boot = boot_id();  // tests put another one here
};

class LocalBatch final : public Batch {
 public:
  explicit LocalBatch(Settings settings) : settings_(std::move(settings)), spool_(""), log_("") {}

  Result<View<BatchData>> poll(const FactoryIdentity& me, const std::string& cursor, Context& context) override;
  Result<std::vector<std::string>> submit(const SubmitOrder& order, Context& context) override;
  Result<View<std::vector<PilotSeen>>> find(const FactoryIdentity& me, std::span<const std::string> submissions,
                                            Context& context) override;
  Result<std::int64_t> remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                              const std::string& why, Context& context) override;

 private:
  // An order as last read. Its directory's time of change says whether its files have to be listed again.
  struct Known {
    Order order;
    std::vector<PilotFiles> files;
    std::int64_t changed_ns = -1;
  };
  struct Orders {
    std::vector<std::string> names;     // oldest first
    std::vector<std::string> troubles;  // orders that could not be read
  };
  // What one look at a live pilot says.
  struct Look {
    PilotSeen seen;
    bool orphan = false;  // runs without a keeper
  };

  // A pilot whose end is to be put into the log.
  struct Ending {
    std::string name;
    std::uint32_t index = 0;
    Record record;
  };

  Status open(const FactoryIdentity& me);
  Result<Orders> refresh();
  Status refresh_order(const std::string& name, Known& known) const;
  Result<Look> look(const std::string& name, const Known& known, std::uint32_t index, const FactoryIdentity& me) const;
  Result<Look> look_running(const std::string& name, const Known& known, std::uint32_t index, Look look) const;
  Status publish(const std::vector<Ending>& endings);
  void retire_past(const std::vector<std::string>& names, Context& context);
  void clean(Context& context);
  void start_keepers(std::int64_t waiting, std::int64_t orphans, Context& context) const;
  void press_removal(const std::string& name, const Order& order, std::uint32_t index, const Taken& taken) const;
  bool remove_one(const std::string& name, std::uint32_t index, const std::set<PilotState>& only_in,
                  const std::string& why, Context& context) const;

  Settings settings_;
  mutable std::mutex opening_, starting_;
  bool opened_ = false;
  Spool spool_;
  EndedLog log_;
  std::atomic<std::int64_t> orphans_ = 0;  // pilots without a keeper at the last poll: their slots' locks are free
  std::map<std::string, Known> known_;     // poll's thread only
  std::int64_t cleaned_ns_ = 0;
};

}  // namespace apf::local
