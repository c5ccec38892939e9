// GET /api/v1/events: changes as server-sent events, so that open pages are live. What a page wants stands in the
// query: nothing: the overview; factory=F: that factory; factory=F&label=L; factory=F&pilot=ID; node=N.
//
// Each subject that somebody listens to is looked at twice a second, turned into text once, and shared by its
// listeners. Whoever comes back has missed nothing that matters: a page asks anew for all when its stream begins
// ("hello").
//
// Thread-safety: add_events() before the server starts; start and stop by one thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "monitor/figures.h"
#include "monitor/router.h"
#include "monitor/show/links.h"
#include "monitor/store/writer.h"

namespace apf::monitor {

class Events {
 public:
  Events(Board& board, Writer& writer, const Links& links);
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  ~Events() { stop(); }
  void listen(const net::Request& request, const net::ReplyPtr& reply);
  void stop();  // harmless twice

 private:
  enum class About : std::uint8_t { overview, factory, label, pilot, node };
  struct Subject {
    About about = About::overview;
    std::string factory, name;  // of the label, the pilot's id, or the node
    auto operator<=>(const Subject&) const = default;
  };
  using Listeners = std::vector<net::StreamPtr>;

  void note(const Committed& committed);
  void work();
  void tick(const Snapshot& now);
  void take_changes(const Snapshot& now);
  [[nodiscard]] std::string news_of(const Subject& subject, const Snapshot& now) const;
  [[nodiscard]] bool pilot_changed(FactoryNo factory, const std::string& id) const;

  Board& board_;
  const Links& links_;
  std::uint64_t shown_ = 0;        // version of the last tick's snapshot
  Mono beat_;                      // of the last sign of life
  std::vector<PilotKey> changed_;  // pilots that this tick tells of, sorted
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Subject, Listeners> subjects_;                    // guarded by mutex_
  std::size_t pilot_subjects_ = 0;                           // guarded by mutex_
  std::vector<std::pair<std::uint64_t, PilotKey>> waiting_;  // guarded by mutex_; with the version of their commit
  bool stopping_ = false;                                    // guarded by mutex_
  std::thread thread_;
};

}  // namespace apf::monitor
