#include "spool.h"

#include <fcntl.h>
#include <sys/file.h>

#include <charconv>

namespace apf::local {
namespace {

void replace_all(std::string& text, std::string_view mark, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += with.size())
    text.replace(at, mark.size(), with);
}

std::int64_t number_in(const std::string& path, std::int64_t otherwise) {
  const auto text = read_file(path);
  std::int64_t value = otherwise;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

void mark(PilotFiles& files, std::string_view kind) {
  if (kind == "taken") files.taken = true;
  if (kind == "remove") files.remove = true;
  if (kind == "ended") files.ended = true;
  if (kind == "past") files.past = true;
}

}  // namespace

Record Order::record() const {
  Record r;
  r.add("submission", submission);
  r.add("queue", queue);
  r.add("factory", factory);
  r.add("instance", instance);
  r.add("run", run);
  r.add("n", n);
  r.add("submitted", submitted_ms);
  r.add("executable", executable);
  r.add("log_dir", log_dir);
  r.add("scratch", scratch);
  r.add("grace", grace_ms);
  r.add("nice", nice);
  for (const auto& a : arguments) r.add("argument", a);
  for (const auto& [name, value] : environment) r.add("environment", name + "=" + value);
  return r;
}

std::optional<Order> Order::from(const Record& r) {
  Order o;
  o.submission = r.text("submission");
  o.queue = r.text("queue");
  o.factory = r.text("factory");
  o.instance = r.text("instance");
  o.run = static_cast<std::uint32_t>(r.number("run"));
  o.n = static_cast<std::uint32_t>(r.number("n"));
  o.submitted_ms = r.number("submitted");
  o.executable = r.text("executable");
  o.log_dir = r.text("log_dir");
  o.scratch = r.text("scratch");
  o.grace_ms = r.number("grace");
  o.nice = r.number("nice");
  o.arguments = r.all("argument");
  for (const auto& e : r.all("environment")) {
    const auto equals = e.find('=');
    if (equals == std::string::npos) return std::nullopt;
    o.environment[e.substr(0, equals)] = e.substr(equals + 1);
  }
  if (o.submission.empty() || o.executable.empty() || o.n == 0) return std::nullopt;
  return o;
}

std::string Order::name() const {
  std::string time = std::to_string(submitted_ms);
  if (time.size() < 13) time.insert(0, 13 - time.size(), '0');
  return time + "-" + submission;
}

std::string Order::pilot_id(std::uint32_t index) const { return submission + "." + std::to_string(index); }

std::string Order::filled(std::string text, std::uint32_t index) const {
  replace_all(text, kIdMark, pilot_id(index));
  replace_all(text, kIndexMark, std::to_string(index));
  return text;
}

Record Taken::record() const {
  Record r;
  r.add("keeper_pid", keeper.pid);
  r.add("keeper_start", keeper.start);
  r.add("pilot_pid", pilot.pid);
  r.add("pilot_start", pilot.start);
  r.add("boot", boot);
  r.add("node", node);
  r.add("started", started_ms);
  return r;
}

Taken Taken::from(const Record& r) {
  Taken t;
  t.keeper = {static_cast<pid_t>(r.number("keeper_pid")), r.number("keeper_start")};
  t.pilot = {static_cast<pid_t>(r.number("pilot_pid")), r.number("pilot_start")};
  t.boot = r.text("boot");
  t.node = r.text("node");
  t.started_ms = r.number("started");
  return t;
}

Record End::record() const {
  Record r;
  r.add("state", state);
  r.add("started", started_ms);
  r.add("ended", ended_ms);
  r.add("exit", exit_code);
  r.add("wall", wall_ms);
  r.add("cpu", cpu_ms);
  r.add("node", node);
  r.add("reason", reason);
  return r;
}

End End::from(const Record& r) {
  End e;
  e.state = r.text("state");
  e.started_ms = r.number("started");
  e.ended_ms = r.number("ended");
  e.exit_code = r.number("exit", -1);
  e.wall_ms = r.number("wall", -1);
  e.cpu_ms = r.number("cpu", -1);
  e.node = r.text("node");
  e.reason = r.text("reason");
  return e;
}

Status Spool::create() const {
  const std::int64_t version = number_in(path("version"), 0);
  if (version > kSpoolVersion)
    return fail(Kind::config, "local.newer", "written by a newer version of this program", path("version"),
                "run that version, or give another directory");
  for (const char* name : {"slot", "tmp", "live", "ended", "trash"})
    if (auto s = make_directories(path(name), 0700); !s) return s;
  if (version == kSpoolVersion) return {};
  const auto first = write_first(path("version"), std::to_string(kSpoolVersion) + "\n");
  return first ? Status{} : fail(first.error());
}

Result<Order> Spool::read_order(const std::string& order) const {
  const std::string file = live(order) + "/order";
  const auto record = read_record(file);
  if (!record) return fail(record.error());
  auto read = Order::from(*record);
  if (!read) return fail(Kind::permanent, "local.bad_record", "not an order of pilots", file, "move it away");
  return *read;
}

Result<std::vector<PilotFiles>> Spool::pilots(const std::string& order, std::uint32_t n) const {
  const auto names = list(live(order));
  if (!names) return fail(names.error());
  std::vector<PilotFiles> pilots(n);
  for (const std::string& name : *names) {
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc{} || index >= n || *end != '.') continue;
    mark(pilots[index], std::string_view(name).substr(static_cast<std::size_t>(end + 1 - name.data())));
  }
  return pilots;
}

std::int64_t Spool::slots() const { return number_in(path("slots"), 0); }

Status Spool::set_slots(std::int64_t slots) const {
  if (this->slots() == slots) return {};
  const std::string temporary = path("slots.tmp");
  if (auto s = write_private(temporary, std::to_string(slots) + "\n"); !s) return s;
  return rename_durably(temporary, path("slots"));
}

Fd Spool::lock_slot(std::int64_t k) const {
  Fd fd(::open(path("slot/" + std::to_string(k)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
  return fd;
}

Result<Record> read_record(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  auto record = Record::decode(*text, '\n');
  if (!record) return fail(Kind::permanent, "local.bad_record", "the file is damaged", path, "move it away");
  return *record;
}

}  // namespace apf::local
