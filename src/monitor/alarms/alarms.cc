#include "monitor/alarms/alarms.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include "apf/files.h"

namespace apf::monitor {
namespace {

constexpr Duration kTick = seconds{1};

constexpr std::array kOptions{
    OptionSpec{.name = "url", .doc = "address of this monitor for messages: https://apfmon.example.org"},
    OptionSpec{.name = "silent",
               .type = OptionType::duration,
               .fallback = "15min",
               .doc = "factory.silent: nothing heard of a factory for so long",
               .minimum = 10},
    OptionSpec{.name = "forget",
               .type = OptionType::duration,
               .fallback = "7d",
               .doc = "a factory that has been silent for so long was taken away, and is no alarm any more",
               .minimum = 60},
    OptionSpec{.name = "no_start",
               .type = OptionType::duration,
               .fallback = "1h",
               .doc = "label.no_start: pilots wait and none has started for so long",
               .minimum = 10},
    OptionSpec{.name = "waiting",
               .type = OptionType::integer,
               .fallback = "5",
               .doc = "label.no_start: at least so many wait",
               .unit = "pilots",
               .minimum = 1},
    OptionSpec{.name = "fault_ratio",
               .type = OptionType::real,
               .fallback = "0.5",
               .doc = "label.faults: so great a part of the pilots that ended within an hour ended in fault",
               .minimum = 0.01,
               .maximum = 1},
    OptionSpec{.name = "held_ratio",
               .type = OptionType::real,
               .fallback = "0.3",
               .doc = "label.held: so great a part of an hour's pilots ended without having run",
               .minimum = 0.01,
               .maximum = 1},
    OptionSpec{.name = "least",
               .type = OptionType::integer,
               .fallback = "20",
               .doc = "pilots that a ratio needs at least",
               .unit = "pilots",
               .minimum = 1},
    OptionSpec{.name = "node_faults",
               .type = OptionType::integer,
               .fallback = "4",
               .doc = "node.eats_pilots: so many pilots in a row failed on a node while others do well",
               .unit = "pilots",
               .minimum = 2},
    OptionSpec{.name = "credential",
               .type = OptionType::duration,
               .fallback = "1d",
               .doc = "factory.credential: a credential ends within so long",
               .minimum = 60},
};

}  // namespace

std::span<const OptionSpec> alarm_options() { return kOptions; }

AlarmLimits alarm_limits(const Options& o) {
  return {.silent = o.duration("silent"),
          .forgotten = o.duration("forget"),
          .no_start = o.duration("no_start"),
          .waiting = o.integer("waiting"),
          .fault_ratio = o.real("fault_ratio"),
          .held_ratio = o.real("held_ratio"),
          .least = o.integer("least"),
          .node_faults = o.integer("node_faults"),
          .credential = o.duration("credential")};
}

Alarms::Alarms(Ports ports) : ports_(std::move(ports)) {
  for (Way& way : ports_.channels) {
    Courier::Limits limits;
    limits.interval = way.interval;
    couriers_.push_back(std::make_unique<Courier>(std::move(way.channel), limits, ports_.log));
  }
  load();
  thread_ = std::thread([this] { run(); });
}

Alarms::~Alarms() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  AlarmBook::Waiting waiting;
  for (const auto& courier : couriers_)
    if (auto left = courier->leave(); !left.empty()) waiting[courier->name()] = std::move(left);
  if (waiting.empty()) return;
  if (auto ok = replace_file(ports_.file, book_.save(waiting)); !ok)
    ports_.log("notices of alarms that wait are lost: " + ok.error().text());
}

void Alarms::load() {
  std::ifstream in(ports_.file);
  if (!in) return;
  std::ostringstream text;
  text << in.rdbuf();
  const std::scoped_lock lock(mutex_);
  AlarmBook::Waiting waiting;
  const Status loaded = book_.load(text.str(), mono_now(), &waiting);
  unsaved_ = !waiting.empty();  // they are told once
  for (const auto& courier : couriers_)
    if (const auto at = waiting.find(courier->name()); at != waiting.end()) courier->tell(at->second);
  if (!loaded) {
    const std::string bad = ports_.file + ".bad";
    (void)std::rename(ports_.file.c_str(), bad.c_str());
    ports_.log("alarms of before are forgotten, their file is kept as " + bad + ": " + loaded.error().text());
  }
}

void Alarms::run() {
  Mono next = mono_now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::vector<Order> orders = std::exchange(orders_, {});
    lock.unlock();
    if (!orders.empty()) carry_out(std::move(orders));
    if (mono_now() >= next) {
      judge();
      next = mono_now() + kTick;
    }
    lock.lock();
    const Duration left = next - mono_now();
    if (left > Duration{}) changed_.wait_for(lock, left, [this] { return stopping_ || !orders_.empty(); });
  }
}

void Alarms::judge() {
  const SnapshotPtr figures = ports_.figures();
  auto found = find_trouble(*figures, ports_.limits, began_, wall_now());
  std::vector<Notice> told;
  {
    const std::scoped_lock lock(mutex_);
    told = book_.judge(std::move(found), mono_now(), wall_now());
  }
  const bool trouble_before = unsaved_;
  if (auto ok = save(); !ok && !trouble_before) ports_.log(ok.error().text());
  for (const Notice& n : told)
    ports_.log((n.raised ? "alarm: " : "over: ") + n.alarm.found.subject() + " [" + n.alarm.found.code + "] " +
               n.alarm.found.text);
  for (const auto& courier : couriers_) courier->tell(told);
}

void Alarms::carry_out(std::vector<Order> orders) {
  std::vector<Status> done;
  {
    const std::scoped_lock lock(mutex_);
    for (const Order& o : orders) done.push_back(o.change(book_));
  }
  const Status saved = save();
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i].done(done[i] ? saved : done[i]);
}

Status Alarms::save() {
  std::string text;
  {
    const std::scoped_lock lock(mutex_);
    if (!book_.take_changed() && !unsaved_) return {};
    text = book_.save();
  }
  const Status written = replace_file(ports_.file, text);
  unsaved_ = !written;
  return written;
}

void Alarms::order(Change change, Done done) {
  {
    const std::scoped_lock lock(mutex_);
    orders_.push_back({std::move(change), std::move(done)});
  }
  changed_.notify_all();
}

std::vector<Alarm> Alarms::standing() const {
  const std::scoped_lock lock(mutex_);
  return book_.standing();
}

std::vector<Mute> Alarms::mutes() const {
  const std::scoped_lock lock(mutex_);
  return book_.mutes();
}

std::size_t Alarms::left_out() const {
  const std::scoped_lock lock(mutex_);
  return book_.left_out();
}

std::vector<Alarms::Delivery> Alarms::deliveries() const {
  std::vector<Delivery> all;
  for (const auto& c : couriers_) all.push_back({c->name(), c->stats()});
  return all;
}

}  // namespace apf::monitor
