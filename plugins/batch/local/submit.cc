// LocalBatch: orders and removals.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "keeper/keep.h"
#include "local.h"
#include "protocol/launch.h"

namespace apf::local {
namespace {

// What a pilot gets of the factory's own environment; the rest (credentials of the service, say) is not its business.
constexpr std::array<const char*, 6> kPassed{"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"};

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const auto a = std::filesystem::absolute(path, ignored);
  return ignored ? path : a.lexically_normal().string();
}

Order make_order(const SubmitOrder& order, const protocol::Launch& launch, const Settings& settings,
                 const Spool& spool) {
  Order o;
  o.submission = order.submission;
  o.queue = order.queue->name;
  o.factory = order.me->factory_id;
  o.instance = order.me->instance;
  o.run = order.me->run;
  o.n = static_cast<std::uint32_t>(order.n);
  o.submitted_ms = wall_ms();
  o.executable = absolute(launch.executable);
  o.arguments = launch.arguments;
  o.log_dir = absolute(launch.log_dir);
  o.scratch = spool.path("scratch");
  o.grace_ms = settings.grace_ms;
  o.nice = settings.nice;
  for (const char* name : kPassed)
    if (const char* value = std::getenv(name)) o.environment[name] = value;  // NOLINT(concurrency-mt-unsafe)
  for (const auto& [name, value] : launch.environment) o.environment[name] = value;
  return o;
}

// Nothing here has an effect: what is wrong is found before the order exists.
Status check(const SubmitOrder& order, const protocol::Launch& launch, const Settings& settings) {
  const bool good_id =
      !order.submission.empty() && std::all_of(order.submission.begin(), order.submission.end(), [](char c) {
        return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
  if (!good_id) return fail(Kind::bug, "local.bad_id", "not a submission id: '" + order.submission + "'");
  if (::access(settings.keeper.c_str(), X_OK) != 0)
    return fail(Kind::permanent, "local.no_keeper", "there is no such program", settings.keeper,
                "install apf-keeper beside apf, or set the option keeper");
  if (::access(launch.executable.c_str(), X_OK) != 0)
    return fail(Kind::permanent, "local.no_executable", "not a program that can be run", launch.executable,
                "see the queue's executable");
  std::set<std::string> names{protocol::kReportKeyFile};
  for (const auto& file : launch.input_files) {
    if (::access(file.c_str(), R_OK) != 0)
      return fail(Kind::permanent, "local.input_file", "cannot read this input file", file,
                  "see the queue's input_files");
    if (!names.insert(base_name(file)).second)
      return fail(Kind::permanent, "local.input_file", "two input files have this name", base_name(file));
  }
  return make_directories(absolute(launch.log_dir), 0755);
}

Status write_order(const std::string& directory, const Order& order, const protocol::Launch& launch,
                   const std::string& report_key) {
  if (auto s = remove_tree(directory); !s) return s;
  const std::string input = directory + "/input";
  if (auto s = make_directories(input, 0700); !s) return s;
  for (const auto& file : launch.input_files)
    if (auto s = copy_private(file, input + "/" + base_name(file)); !s) return s;
  if (auto s = write_private(input + "/" + protocol::kReportKeyFile, report_key); !s) return s;
  if (auto s = sync_directory(input); !s) return s;
  if (auto s = write_private(directory + "/order", order.record().encode('\n') + "\n"); !s) return s;
  return sync_directory(directory);
}

std::map<std::string, std::string> by_submission(const std::vector<std::string>& orders) {
  std::map<std::string, std::string> map;
  for (const auto& name : orders)
    if (const auto dash = name.find('-'); dash != std::string::npos) map[name.substr(dash + 1)] = name;
  return map;
}

// The index in "<submission>.<index>", or -1.
std::int64_t index_of(const Batch::Removal& r) {
  const std::string& id = r.batch_id;
  if (!id.starts_with(r.submission + ".")) return -1;
  const std::string digits = id.substr(r.submission.size() + 1);
  const bool number =
      !digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(digits) : -1;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Status LocalBatch::open(const FactoryIdentity& me) {
  const std::lock_guard lock(opening_);
  if (opened_) return {};
  const std::string directory = absolute(settings_.directory.empty() ? me.state_dir + "/local" : settings_.directory);
  spool_ = Spool(directory);
  log_ = EndedLog(spool_.path("ended"));
  if (auto s = spool_.create(); !s) return s;
  if (auto s = remove_tree(spool_.path("tmp")); !s) return s;  // orders that never came to be
  if (auto s = make_directories(spool_.path("tmp"), 0700); !s) return s;
  if (auto s = spool_.set_slots(settings_.slots); !s) return s;
  opened_ = true;
  return {};
}

Result<std::vector<std::string>> LocalBatch::submit(const SubmitOrder& order, Context& context) {
  if (order.n <= 0) return std::vector<std::string>{};
  if (auto s = open(*order.me); !s) return fail(s.error());
  const auto launch = protocol::launch(order, std::string(kIdMark), std::string(kIndexMark));
  if (auto s = check(order, launch, settings_); !s) return fail(s.error());
  const auto live = spool_.orders();
  if (!live) return fail(live.error());
  if (by_submission(*live).contains(order.submission))
    return fail(Kind::uncertain, "local.submitted_before", "this submission is there already", order.submission,
                "it is settled by looking it up");

  const Order o = make_order(order, launch, settings_, spool_);
  const std::string written = spool_.path("tmp/" + o.name());
  if (auto s = write_order(written, o, launch, order.report_key); !s) {
    (void)remove_tree(written);
    return fail(s.error());
  }
  if (auto s = rename_durably(written, spool_.live(o.name())); !s) {
    // Visible or not: a keeper may have seen it, a crash may undo it.
    Error e = s.error();
    if (exists(spool_.live(o.name()))) e.kind = Kind::uncertain;
    return fail(std::move(e));
  }
  at_step("ordered");
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < o.n; ++i) ids.push_back(o.pilot_id(i));
  start_keepers(order.n, orphans_, context);
  return ids;
}

// Keepers for free slots, as many as there is work for. What fails here is tried again at the next poll.
void LocalBatch::start_keepers(std::int64_t waiting, std::int64_t orphans, Context& context) const {
  if (waiting <= 0) return;
  const std::lock_guard lock(starting_);  // looking at a slot's lock holds it for a moment
  Command command;
  command.argv = {settings_.keeper, spool_.path("")};
  command.argv.back().pop_back();  // without the slash
  std::int64_t busy = orphans;
  std::vector<std::string> free;
  for (std::int64_t k = 0; k < settings_.slots; ++k)
    if (spool_.lock_slot(k))
      free.push_back(std::to_string(k));
    else
      ++busy;
  const std::int64_t wanted = std::min(waiting, settings_.slots - busy);
  if (wanted <= 0) return;
  command.argv.insert(command.argv.end(), free.begin(), free.begin() + wanted);
  at_step("start keepers");
  const auto finished = context.run(command);
  if (!finished) {
    context.log(Level::error, finished.error().text());
  } else if (finished->exit_code != 0) {
    context.log(Level::error, fmt::format("{} could not start keepers: exit code {}, {}", settings_.keeper,
                                          finished->exit_code, finished->err));
  }
}

void LocalBatch::press_removal(const std::string& name, const Order& order, std::uint32_t index,
                               const Taken& taken) const {
  if (taken.boot != settings_.boot || signal(taken.keeper, kLookAtRemoval)) return;
  // No keeper left: its work is done here, without memory of ours: the record's age says how far we are.
  struct stat info{};
  if (::stat((spool_.live(name) + "/" + file_of(index, "remove")).c_str(), &info) != 0) return;
  const std::int64_t age_ms = wall_ms() - std::int64_t{info.st_mtim.tv_sec} * 1000;
  (void)signal_group(taken.pilot, age_ms > order.grace_ms ? SIGKILL : SIGTERM);
}

bool LocalBatch::remove_one(const std::string& name, std::uint32_t index, const std::set<PilotState>& only_in,
                            const std::string& why, Context& context) const {
  const std::string directory = spool_.live(name);
  const auto file = [&](const char* kind) { return directory + "/" + file_of(index, kind); };
  if (exists(file("ended")) || exists(file("past"))) return false;
  if (!exists(file("taken"))) {
    if (!only_in.contains(PilotState::pending)) return false;
    End end;
    end.state = "removed";
    end.reason = why;
    end.ended_ms = wall_ms();
    const auto first = write_first(file("taken"), end.record().encode('\n') + "\n");
    if (!first) context.log(Level::warning, first.error().text());
    if (!first || *first) return first.has_value();
  }
  if (!only_in.contains(PilotState::running)) return false;
  const auto record = read_record(file("taken"));
  if (!record || !record->text("state").empty()) return false;
  Record removal;
  removal.add("why", why);
  const auto first = write_first(file("remove"), removal.encode('\n') + "\n");
  if (!first) {
    context.log(Level::warning, first.error().text());
    return false;
  }
  const auto order = spool_.read_order(name);
  if (order) press_removal(name, *order, index, Taken::from(*record));
  return *first;
}

Result<std::int64_t> LocalBatch::remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                                        const std::string& why, Context& context) {
  {
    const std::lock_guard lock(opening_);
    if (!opened_) return fail(Kind::transient, "local.not_polled", "nothing has been polled yet");
  }
  const auto live = spool_.orders();
  if (!live) return fail(live.error());
  const auto orders = by_submission(*live);
  const std::set<PilotState> states(only_in.begin(), only_in.end());
  std::int64_t removed = 0;
  for (const auto& pilot : pilots) {
    const auto order = orders.find(pilot.submission);
    const std::int64_t index = index_of(pilot);
    if (order == orders.end() || index < 0) continue;
    const auto read = spool_.read_order(order->second);
    if (!read || index >= read->n) continue;
    if (remove_one(order->second, static_cast<std::uint32_t>(index), states, why, context)) ++removed;
  }
  return removed;
}

}  // namespace apf::local
