// `apf run`: the factory as a daemon in the foreground. One thread waits for signals; everything else is the Engine's.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <ostream>
#include <utility>

#include "engine/engine.h"
#include "engine/log.h"
#include "factory/commands.h"
#include "factory/surroundings.h"

namespace apf::factory {
namespace {

constexpr const char* kMe = "apf run: ";
constexpr Duration kRefetch = seconds{300};  // config plug-ins are asked again this often

// Tells systemd (Type=notify) how we are; without $NOTIFY_SOCKET nobody asked. Protocol: sd_notify(3).
void notify(const std::string& message) {
  const char* where = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): nothing sets variables
  sockaddr_un to{};
  if (where == nullptr || std::string_view(where).size() >= sizeof(to.sun_path)) return;
  const std::string_view path(where);
  to.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), to.sun_path);
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  std::ignore = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), length);
  close(fd);
}

Error joined(const config::Errors& errors) {
  Error all = errors.front();
  for (std::size_t i = 1; i < errors.size(); ++i) all.what += "; " + errors[i].text();
  return all;
}

// Reads the configuration at start and at each reload, and knows what is in force.
class Loader {
 public:
  Loader(std::string file, const Registry& registry) : file_(std::move(file)), registry_(registry) {}

  config::LoadResult load() {
    return config::load(file_, registry_, {.counter = counter_ + 1, .when = wall_now(), .fetch = outside().fetch});
  }
  void accept(config::Loaded loaded) {
    ++counter_;
    in_force_ = std::move(loaded);
  }
  Result<engine::Candidate> reload() {
    auto loaded = load();
    if (!loaded) return fail(joined(loaded.error()));
    const config::Diff diff = config::diff(in_force_, *loaded);
    engine::Candidate c{.config = loaded->config,
                        .report = {.version = {},
                                   .added = diff.added,
                                   .gone = diff.gone,
                                   .changed = diff.changed,
                                   .lines = diff.lines,
                                   .needs_restart = diff.needs_restart}};
    c.accept = [this, next = std::move(*loaded)]() mutable { accept(std::move(next)); };
    return c;
  }
  // Whether queues come from elsewhere than files: then they have to be asked for now and then.
  [[nodiscard]] bool has_config_plugins() const {
    return std::any_of(in_force_.sections.begin(), in_force_.sections.end(),
                       [](const auto& s) { return s.kind == "config"; });
  }
  // What a config plug-in gives has changed since the last load.
  bool changed() {
    const auto loaded = load();
    return loaded && loaded->sha256 != in_force_.sha256;
  }

 private:
  std::string file_;
  const Registry& registry_;
  std::uint32_t counter_ = 0;
  config::Loaded in_force_;
};

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

// Until SIGTERM or SIGINT.
void serve(engine::Engine& engine, Loader& loader) {
  const sigset_t signals = our_signals();
  const timespec patience{std::chrono::duration_cast<seconds>(kRefetch).count(), 0};
  while (true) {
    const bool ask = loader.has_config_plugins();
    const int signal = sigtimedwait(&signals, nullptr, ask ? &patience : nullptr);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal < 0 && (!ask || errno != EAGAIN || !loader.changed())) continue;
    notify("RELOADING=1");
    std::ignore = engine.reload();  // says itself what went wrong
    notify("READY=1");
  }
}

// A view of 100 000 pilots comes and goes with every poll, made by one thread and let go by another. More arenas would
// only keep what it took, and thresholds that grow with use (the default) would keep it for good.
void tune_memory() {
  constexpr int kMegabyte = 1 << 20;
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, kMegabyte);
  mallopt(M_TRIM_THRESHOLD, kMegabyte);
}

int complain(const config::Errors& errors, std::ostream& err) {
  for (const Error& e : errors) err << kMe << e.text() << '\n';
  return kBadInput;
}

}  // namespace

int run(const RunArgs& args, const Registry& registry, std::ostream& err) {
  const sigset_t signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread begins
  std::signal(SIGPIPE, SIG_IGN);
  tune_memory();
  if (auto opened = engine::open_log({.file = args.log, .level = args.debug ? Level::debug : Level::info}); !opened)
    return complain({opened.error()}, err);
  Loader loader(args.file, registry);
  auto loaded = loader.load();
  if (!loaded) return complain(loaded.error(), err);
  for (const auto& note : loaded->notes) engine::log(Level::info, "config", note);
  const auto config = loaded->config;
  loader.accept(std::move(*loaded));
  auto engine = engine::Engine::start({.config = config,
                                       .registry = &registry,
                                       .load = [&loader] { return loader.reload(); },
                                       .user = user_name(),
                                       .bootstrap_file = beside_program("apf-bootstrap.sh"),
                                       .wrapper_file = beside_program("apf-wrapper.tar.gz")});
  if (!engine) {
    err << kMe << engine.error().text() << '\n';
    return engine.error().kind == Kind::config ? kBadInput : kFailed;
  }
  const std::string address = (*engine)->address();
  engine::log(Level::info, "engine",
              fmt::format("configuration {}{}", config->version, address.empty() ? "" : ", http://" + address + "/"));
  notify("READY=1");
  serve(**engine, loader);
  notify("STOPPING=1");
  engine::log(Level::info, "engine", "stopping");
  const bool clean = (*engine)->stop();
  engine::log(clean ? Level::info : Level::warning, "engine", clean ? "stopped" : "stopped; a call was left behind");
  engine::flush_log();
  if (!clean) std::_Exit(kGood);  // a plug-in's call still hangs: nothing may be destroyed under it
  return kGood;
}

}  // namespace apf::factory
