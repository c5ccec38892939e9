// Interface of a batch plug-in: where pilots run. One plug-in a batch system; flavours of submission are options.
//
// Thread-safety: submit(), remove() and release() are called by one thread at a time, poll() and find() by another one,
// follow() by a third; check_queue() and preview() by any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/queue.h"
#include "apf/view.h"

namespace apf {

enum class PilotState : std::uint8_t {
  pending,  // waits for a slot
  held,     // stopped by the batch system; counts as pending (R3)
  unknown,  // the batch system does not know; counts as pending
  running,
  suspended,     // counts as running
  transferring,  // files move in or out; counts as running
  done,          // ended by itself
  failed,        // ended by a signal, or never started
  removed,       // taken out of the queue by somebody
};
const char* name(PilotState state);
std::optional<PilotState> pilot_state(std::string_view name);
inline bool ended(PilotState s) { return s >= PilotState::done; }

// What kind of hold a held pilot is in: each plug-in documents its table from the batch system's codes to these.
enum class HoldKind : std::uint8_t {
  none,       // not held
  passing,    // may work at another try (a file transfer, a credential, a node): worth a release
  permanent,  // will fail again (a bad description, a policy): releasing is pointless
  people,     // somebody put it on hold: hands off
};

// One pilot as the batch system shows it. Every row carries our identity (RULES R9).
struct PilotSeen {
  std::string batch_id;     // unique in its batch source: "12.0", "4711"
  std::string submission;   // our submission id
  std::string queue;        // our queue's name
  std::uint32_t index = 0;  // 0..n-1 in its submission
  std::uint32_t run = 0;    // the run counter of the instance that submitted it
  bool foreign = false;     // another instance than FactoryIdentity::instance submitted it (R9)
  PilotState state = PilotState::unknown;
  Wall submitted, started, ended;  // 0: not yet or not told
  std::int32_t exit_code = -1;     // of an ended pilot; -1: not told or ended by a signal
  float wall_s = -1, cpu_s = -1;   // of an ended pilot; -1: not told
  std::string node;                // where it runs or ran
  std::string reason;              // of hold, failure or removal, in the batch system's words
  HoldKind hold = HoldKind::none;  // of a held pilot: what may be done about it
  bool evicted = false;            // of a failed one: the batch system took its slot away, and does not run it again
};

struct BatchData {
  std::vector<PilotSeen> live;   // all live pilots of this factory
  std::vector<PilotSeen> ended;  // those that ended since the cursor (with overlap: repeats are harmless)
  // How busy the server of the batch system is, 0 to 1 (HTCondor: RecentDaemonCoreDutyCycle); negative: not told (R13).
  float load = -1;
};

// What a feed of events says, in the order in which it happened. Rows of pilots that are not ours are left out.
struct FeedData {
  std::vector<PilotSeen> seen;  // live and ended pilots, each as it is after its event
  // Why events between the cursor and these may be lost, for people ("the log was cut ..."); then only a view tells.
  // Empty: none are.
  std::string gap;
};

// Who submits, and where a pilot finds its factory.
struct FactoryIdentity {
  std::string factory_id;      // stable name, unique among factories: R9
  std::string instance;        // random, made with the state directory
  std::uint32_t run = 0;       // counts starts of the daemon
  std::string user;            // factory's user, for people
  std::string report_url;      // pilots report there (APFMON); empty: nowhere
  std::string log_url;         // where log_dir is served; empty: nowhere
  std::string log_dir;         // root of the pilots' log tree
  std::string state_dir;       // private to the factory; a plug-in may keep things in state_dir/<its section>
  std::string bootstrap;       // path of apf-bootstrap.sh, the executable of a pilot
  std::string wrapper_url;     // where the bootstrap fetches the wrapper's tarball from: URL,URL,...
  std::string wrapper_sha256;  // of that file, pinned in each submission
  std::string next_wrapper_url,
      next_wrapper_sha256;  // likewise the next one, which a share of pilots tries; empty: none
  // PanDA's names for the factory and its pilots, so that it links jobs with what monitor/panda tells of their pilots:
  // the ledger's pilot k is worker first_worker + k. Empty: PanDA is told of no pilots.
  std::string harvester_id;
  std::int64_t first_worker = 0;
};

struct SubmitOrder {
  const QueueSpec* queue = nullptr;
  const FactoryIdentity* me = nullptr;
  std::string submission;  // id: [A-Za-z0-9-]
  std::int32_t n = 0;      // pilots wanted
  std::string report_key;  // secret that lets these pilots report; travels as a 0600 file, never in an environment
  Wall when;               // decides the day of the log directory
  std::vector<std::string> avoid_nodes = {};  // nodes that ruin pilots (R11); for batch systems where we choose nodes
  std::int64_t place = 0;                     // of its first pilot among all that were ever submitted for the queue
  std::uint64_t first_no = 0;                 // the ledger's number of its first pilot; the others follow
};

// Does the queue's pilot at this place take the next wrapper? Of any 100 in a row so many per cent, spread evenly.
// apf-bootstrap.sh counts the same way.
constexpr bool takes_next(std::int64_t place, std::int64_t percent) {
  const std::int64_t p = place % 100;
  return (p + 1) * percent / 100 > p * percent / 100;
}

class Batch {
 public:
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  virtual ~Batch() = default;

  // All live pilots of this factory, and those that ended since the cursor.
  virtual Result<View<BatchData>> poll(const FactoryIdentity& me, const std::string& cursor, Context& context) = 0;

  // Submits n pilots as one cluster or array; returns their batch ids by index. Fewer ids than n: the batch system
  // took only so many. Kind::uncertain: they may exist, the caller settles by find().
  virtual Result<std::vector<std::string>> submit(const SubmitOrder& order, Context& context) = 0;

  // Looks submissions up by id, live and ended. `complete` is false when not everything could be looked at.
  virtual Result<View<std::vector<PilotSeen>>> find(const FactoryIdentity& me, std::span<const std::string> submissions,
                                                    Context& context) = 0;

  // Removes pilots by batch id, each only while it is in one of the `only_in` states and of the given submission.
  struct Removal {
    std::string batch_id, submission;
  };
  virtual Result<std::int64_t> remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                                      const std::string& why, Context& context) = 0;

  // Lets held pilots try again, each only while it is held and of the given submission; returns how many.
  virtual Result<std::int64_t> release(std::span<const Removal> pilots, const std::string& why, Context& context);

  // Do the queue's `submit` options fit together, beyond what the option table says? Asked when a configuration is
  // loaded, of an instance that does nothing else. Errors: Kind::config.
  [[nodiscard]] virtual Status check_queue(const QueueSpec& queue) const;

  // What would be sent for this order, in the batch system's own words, for people. Contacts nobody and changes
  // nothing. Errors: Kind::config, "batch.no_preview" when the plug-in has nothing to show.
  [[nodiscard]] virtual Result<std::string> preview(const SubmitOrder& order) const;

  // True when pilots of the queue run on nodes that we may choose among: SubmitOrder::avoid_nodes and avoid() work.
  [[nodiscard]] virtual bool chooses_nodes(const QueueSpec& queue) const;

  // The queue's pending pilots shall not start on these nodes, and may start on all others, whatever they were told
  // before (R11). Returns how many were told. Called by the thread of submit().
  virtual Result<std::int64_t> avoid(const FactoryIdentity& me, const std::string& queue,
                                     std::span<const std::string> nodes, Context& context);

  // True when follow() works: the batch system tells what happens instead of being asked.
  [[nodiscard]] virtual bool feeds() const { return false; }

  // What happened since the cursor: returns as soon as there is something, and near the deadline with nothing, which
  // says that nothing happened. An empty cursor: from now on (not a gap). `View::cursor` is a bookmark that survives
  // restarts of both sides, rotation included (R15); `evidence` names the way for people: "event log /var/log/...".
  // Errors: the feed can't be read; the factory goes on by poll() and tries again later.
  virtual Result<View<FeedData>> follow(const FactoryIdentity& me, const std::string& cursor, Context& context);
};

}  // namespace apf
