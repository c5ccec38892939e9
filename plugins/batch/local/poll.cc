// LocalBatch: what became of the pilots.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "local.h"
#include "rows.h"

namespace apf::local {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kCleanEvery = 600 * kSecond;
constexpr const char* kNoKeeper = "its keeper was killed, so its exit status is not known";

// The time of change in ns when it is old enough to tell of every later change; -1: look again (file systems stamp
// with the granularity of a clock tick).
std::int64_t change_of(const struct stat& info) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec - info.st_mtim.tv_sec < 2) return -1;
  return std::int64_t{info.st_mtim.tv_sec} * kSecond + info.st_mtim.tv_nsec;
}

bool all_past(const std::vector<PilotFiles>& files) {
  return std::all_of(files.begin(), files.end(), [](const PilotFiles& f) { return f.past; });
}

// Makes <i>.past of what tells the end, so that the pilot is neither told again nor ever started.
Status mark_past(const std::string& directory, std::uint32_t index) {
  const std::string past = directory + "/" + file_of(index, "past");
  const std::string ended = directory + "/" + file_of(index, "ended");
  const std::string taken = directory + "/" + file_of(index, "taken");
  at_step("mark past");
  if (::rename(ended.c_str(), past.c_str()) == 0) return {};
  if (errno == ENOENT && (::link(taken.c_str(), past.c_str()) == 0 || errno == EEXIST)) return {};
  return io_error("create", past);
}

}  // namespace

Result<LocalBatch::Orders> LocalBatch::refresh() {
  const auto names = spool_.orders();
  if (!names) return fail(names.error());
  std::map<std::string, Known> now;
  Orders orders;
  for (const auto& name : *names) {
    const auto old = known_.find(name);
    Known known = old == known_.end() ? Known{} : std::move(old->second);
    if (auto s = refresh_order(name, known); !s) {
      orders.troubles.push_back(s.error().text());
      continue;
    }
    orders.names.push_back(name);
    now.emplace(name, std::move(known));
  }
  known_ = std::move(now);
  return orders;
}

Status LocalBatch::refresh_order(const std::string& name, Known& known) const {
  if (known.order.n == 0) {
    auto order = spool_.read_order(name);
    if (!order) return fail(order.error());
    known.order = std::move(*order);
  }
  struct stat info{};
  if (::stat(spool_.live(name).c_str(), &info) != 0) return io_error("look at", spool_.live(name));
  const std::int64_t changed = change_of(info);
  if (changed >= 0 && changed == known.changed_ns) return {};
  auto files = spool_.pilots(name, known.order.n);
  if (!files) return fail(files.error());
  known.files = std::move(*files);
  known.changed_ns = changed;
  return {};
}

Result<LocalBatch::Look> LocalBatch::look(const std::string& name, const Known& known, std::uint32_t index,
                                          const FactoryIdentity& me) const {
  const PilotFiles& files = known.files[index];
  Look look{.seen = pending_row(known.order, index, me.instance)};
  if (files.waits()) return look;
  const char* kind = files.past ? "past" : files.ended ? "ended" : "taken";
  const auto record = read_record(spool_.live(name) + "/" + file_of(index, kind));
  if (!record) return fail(record.error());
  if (!record->text("state").empty()) {
    put(look.seen, End::from(*record));
    return look;
  }
  put(look.seen, Taken::from(*record));
  return look_running(name, known, index, std::move(look));
}

// A taken pilot runs while its keeper or, if that was killed, its own process does. Else its end is written down here.
Result<LocalBatch::Look> LocalBatch::look_running(const std::string& name, const Known& known, std::uint32_t index,
                                                  Look look) const {
  const std::string directory = spool_.live(name);
  const auto record = read_record(directory + "/" + file_of(index, "taken"));
  if (!record) return fail(record.error());
  const Taken taken = Taken::from(*record);
  const bool same_boot = taken.boot == settings_.boot;
  if (same_boot && known.files[index].remove) press_removal(name, known.order, index, taken);
  if (same_boot && alive(taken.keeper)) return look;
  if (same_boot && alive(taken.pilot)) {
    look.orphan = true;
    return look;
  }
  End end;
  end.state = "failed";
  end.reason = same_boot ? kNoKeeper : "machine rebooted";
  end.node = taken.node;
  end.started_ms = taken.started_ms;
  end.ended_ms = wall_ms();
  if (const auto removal = read_record(directory + "/" + file_of(index, "remove")); removal && same_boot) {
    end.state = "removed";
    end.reason = removal->text("why");
  }
  // The keeper may have written the end and gone since we listed the directory: then its word stands.
  const std::string file = directory + "/" + file_of(index, "ended");
  const auto first = write_first(file, end.record().encode('\n') + "\n");
  if (!first) return fail(first.error());
  const auto told = read_record(file);
  if (!told) return fail(told.error());
  put(look.seen, End::from(*told));
  if (*first) (void)remove_tree(known.order.scratch + "/" + known.order.pilot_id(index));
  return look;
}

Status LocalBatch::publish(const std::vector<Ending>& endings) {
  std::vector<Record> records;
  records.reserve(endings.size());
  for (const auto& e : endings) records.push_back(e.record);
  if (auto s = log_.append(records); !s) return s;
  for (const auto& e : endings) {
    if (auto s = mark_past(spool_.live(e.name), e.index); !s) return s;
    Known& known = known_[e.name];
    known.files[e.index].past = true;
    known.changed_ns = -1;
  }
  return {};
}

// Orders that are done with leave the spool: by one rename, since half an order would look like waiting pilots.
void LocalBatch::retire_past(const std::vector<std::string>& names, Context& context) {
  for (const auto& name : names) {
    if (!all_past(known_[name].files)) continue;
    const std::string trash = spool_.path("trash/" + name);
    auto status = rename_durably(spool_.live(name), trash);
    if (status) status = remove_tree(trash);
    if (!status) context.log(Level::warning, status.error().text());
    known_.erase(name);
  }
}

void LocalBatch::clean(Context& context) {
  const std::int64_t now = mono_now().ns;
  if (cleaned_ns_ != 0 && now - cleaned_ns_ < kCleanEvery) return;
  cleaned_ns_ = now;
  if (auto s = log_.clean(wall_ms() - settings_.keep_ended_ms); !s) context.log(Level::warning, s.error().text());
  const auto trash = list(spool_.path("trash"));
  if (!trash) return;
  for (const auto& name : *trash) (void)remove_tree(spool_.path("trash/" + name));
}

Result<View<BatchData>> LocalBatch::poll(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  if (auto s = open(me); !s) return fail(s.error());
  auto orders = refresh();
  if (!orders) return fail(orders.error());
  View<BatchData> view;
  std::vector<Ending> endings;
  std::int64_t waiting = 0;
  std::int64_t orphans = 0;
  for (const auto& name : orders->names) {
    const Known& known = known_[name];
    for (std::uint32_t i = 0; i < known.order.n; ++i) {
      if (known.files[i].past) continue;
      auto seen = look(name, known, i, me);
      if (!seen) {
        orders->troubles.push_back(seen.error().text());
        continue;
      }
      if (ended(seen->seen.state)) {
        endings.push_back({name, i, log_record(known.order, seen->seen)});
        continue;
      }
      if (seen->seen.state == PilotState::pending) ++waiting;
      if (seen->orphan) ++orphans;
      if (known.order.factory == me.factory_id) view.data.live.push_back(std::move(seen->seen));
    }
  }
  const auto take_ended = [&](const Record& r) {
    if (r.text("factory") == me.factory_id) view.data.ended.push_back(row_of(r, me.instance));
  };
  if (auto s = publish(endings); !s) {  // they are told all the same, now and again, until the disk lets us note it
    context.log(Level::warning, s.error().text());
    for (const auto& e : endings) take_ended(e.record);
  }
  retire_past(orders->names, context);
  auto next = log_.read(cursor, take_ended);
  if (!next) return fail(next.error());
  clean(context);
  orphans_ = orphans;
  start_keepers(waiting, orphans, context);
  view.cursor = std::move(*next);
  view.complete = orders->troubles.empty();
  view.evidence =
      fmt::format("{} orders in {}, {} pilots live", orders->names.size(), spool_.path("live"), view.data.live.size());
  for (const auto& trouble : orders->troubles) context.log(Level::error, trouble);
  if (!orders->troubles.empty()) view.evidence += "; " + orders->troubles.front();
  return view;
}

Result<View<std::vector<PilotSeen>>> LocalBatch::find(const FactoryIdentity& me,
                                                      std::span<const std::string> submissions, Context& /*context*/) {
  if (auto s = open(me); !s) return fail(s.error());
  const auto orders = refresh();
  if (!orders) return fail(orders.error());
  View<std::vector<PilotSeen>> view;
  view.complete = orders->troubles.empty();
  std::set<std::string> wanted(submissions.begin(), submissions.end());
  for (const auto& name : orders->names) {
    const Known& known = known_[name];
    if (known.order.factory != me.factory_id || wanted.erase(known.order.submission) == 0) continue;
    for (std::uint32_t i = 0; i < known.order.n; ++i) {
      auto seen = look(name, known, i, me);
      if (seen) view.data.push_back(std::move(seen->seen));
      view.complete = view.complete && seen;
    }
  }
  std::map<std::string, PilotSeen> past;  // by batch id: a line may stand there twice
  const auto read = log_.read("", [&](const Record& r) {
    if (!wanted.contains(r.text("submission")) || r.text("factory") != me.factory_id) return;
    PilotSeen row = row_of(r, me.instance);
    past.insert_or_assign(row.batch_id, std::move(row));
  });
  if (!read) return fail(read.error());
  for (auto& [id, row] : past) view.data.push_back(std::move(row));
  view.evidence = fmt::format("{} orders and the ended pilots' log in {}", orders->names.size(), spool_.path(""));
  return view;
}

}  // namespace apf::local
