#include "engine/housekeeper.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "engine/host_watch.h"
#include "engine/log.h"

namespace apf::engine {
namespace {

constexpr Duration kCleanEvery = seconds{3600};
constexpr Duration kCleanWhenLow = seconds{300};

}  // namespace

CleanOrder clean_order(const core::Config& config, Wall now) {
  CleanOrder order{.log_dir = config.factory.log_dir,
                   .keep = {},
                   .most_bytes = config.factory.log_size,
                   .least_free = 2 * config.factory.min_free_disk,  // before submissions are held for it
                   .live = {},
                   .now = now};
  for (const auto& q : config.queues) order.keep[log_directory_name(q->name)] = q->keep_logs;
  return order;
}

Housekeeper::Housekeeper(Ports ports, Lanes& lanes, Alarms& alarms, Duration every)
    : ports_(std::move(ports)), lanes_(lanes), alarms_(alarms), every_(every) {
  if (every_ <= Duration::zero()) return;  // tests make their own rounds
  thread_ = std::thread([this] {
    do round();
    while (!stop_->wait_for(every_));
  });
}

Housekeeper::~Housekeeper() { stop(); }

void Housekeeper::stop() {
  stop_->set();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::round() {
  look();
  watch_calls();
  clean();
  malloc_trim(0);  // what starting and large views took goes back to the system
  if (rounds_++ % 6 == 0) {
    const auto config = ports_.config();
    const auto retention = config->factory.retention;
    ports_.trim(Wall{wall_now().ms - retention.count() / 1'000'000});
    ports_.flush_journal();
  }
}

void Housekeeper::look() {
  const auto config = ports_.config();
  const auto& factory = config->factory;
  const core::HostSeen seen = look_at_host({factory.state_dir, factory.log_dir});
  low_ = seen.free_disk < 2 * factory.min_free_disk;
  ports_.post(seen);
}

// A call past its deadline means a plug-in that does not keep it: its source is shown as stale by itself, but somebody
// has to know why.
void Housekeeper::watch_calls() {
  const Mono now = mono_now();
  const auto hanging = lanes_.overdue(now);
  for (const auto& lane : hanging)
    alarms_.raise("engine.call_hangs", lane, "a call of '" + lane + "' is past its deadline and does not return", now,
                  wall_now());
  for (const auto& lane : std::exchange(overdue_, hanging))
    if (std::find(hanging.begin(), hanging.end(), lane) == hanging.end()) alarms_.clear("engine.call_hangs", lane, now);
}

void Housekeeper::clean() {
  const Mono now = mono_now();
  if (cleaned_.ns != 0 && now - cleaned_ < (low_ ? kCleanWhenLow : kCleanEvery)) return;
  if (lanes_.load("log-cleaner") > 0) return;
  cleaned_ = now;
  lanes_.run(LaneClass::tell, "log-cleaner", [config = ports_.config(), live = ports_.live_ids, stop = stop_] {
    CleanOrder order = clean_order(*config, wall_now());
    order.stopping = [stop] { return stop->is_set(); };
    // Without knowing who lives, nothing may go.
    if (const auto known = live(order.live); !known)
      return log(Level::warning, "logs", "not cleaned: " + known.error().text());
    const Cleaned done = clean_logs(order);
    if (done.files + done.failed > 0)
      log(done.failed > 0 ? Level::warning : Level::info, "logs",
          "deleted " + std::to_string(done.files) + " files (" + show_size(done.bytes) + "), failed at " +
              std::to_string(done.failed) + ", " + std::to_string(done.left_files) + " are left");
  });
}

}  // namespace apf::engine
