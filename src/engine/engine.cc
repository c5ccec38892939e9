#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include "apf/files.h"
#include "engine/alarms.h"
#include "engine/api.h"
#include "engine/assembly.h"
#include "engine/call_context.h"
#include "engine/calls.h"
#include "engine/housekeeper.h"
#include "engine/identity.h"
#include "engine/lanes.h"
#include "engine/ledger.h"
#include "engine/ledger_writer.h"
#include "engine/log.h"
#include "engine/random.h"
#include "engine/scheduler.h"
#include "engine/state_lock.h"
#include "engine/wrapper_store.h"
#include "serve/address.h"

namespace apf::engine {
namespace {

constexpr Duration kSubmitGrace = seconds{1};       // for submissions that run when the factory stops
constexpr Duration kCallGrace = milliseconds{400};  // for calls that were told to end
constexpr Duration kWriteGrace = milliseconds{400};
constexpr std::int64_t kTrimBite = 2000;  // rows that retention deletes at a time

}  // namespace

struct Engine::Impl {
  explicit Impl(EngineOptions o) : options(std::move(o)) {}

  EngineOptions options;
  std::string state_dir;  // of the first configuration: a running factory does not move
  std::optional<StateLock> lock;
  std::optional<Ledger> ledger;  // the writer's thread owns it once that runs
  Identity identity;
  std::shared_ptr<const FactoryIdentity> me;

  core::StatePtr state = core::make_state();  // the scheduler's thread owns it
  Snapshots snapshots;
  std::unique_ptr<LedgerReader> reader;
  std::unique_ptr<Alarms> alarms;
  std::shared_ptr<Stop> looking = std::make_shared<Stop>(), submitting = std::make_shared<Stop>();
  Lanes lanes;
  std::unique_ptr<Calls> calls;
  std::unique_ptr<LedgerWriter> writer;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Housekeeper> housekeeper;
  std::unique_ptr<Api> api;
  std::unique_ptr<net::HttpServer> http, control;
  std::string address;

  std::atomic<bool> ready{false}, stopped{false};
  std::atomic<std::int64_t> commits{0}, commit_failures{0}, commit_ns{0}, journal_dropped{0};
  std::mutex reloading;

  Status open_ledger();
  void make_api(Engine& engine);
  Status listen();
  Result<std::unique_ptr<net::HttpServer>> serve(const net::ServerOptions& where, Api::Side side);
  void order(core::Event event, std::function<void(Status)> done);
  Result<core::LedgerImage> load();
  Status make_identity();
  Result<std::shared_ptr<const FactoryIdentity>> with_wrapper(const core::FactorySettings& factory) const;
  void make_threads();
  Status commit(const core::LedgerBatch& batch, Wall now);
  void watch_journal(const Journal& journal);
  void perform(core::Effect effect) const;
  void publish();
  void notify(const core::Alarm& alarm, bool raised, std::int64_t suppressed);
  Housekeeper::Ports housekeeping();
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { stop(); }

Result<std::unique_ptr<Engine>> Engine::start(EngineOptions options) {
  std::unique_ptr<Engine> engine(new Engine(std::make_unique<Impl>(std::move(options))));
  Impl& i = *engine->impl_;
  i.stopped = true;  // until threads run there is nothing to stop
  if (auto opened = i.open_ledger(); !opened) return fail(opened.error());
  i.make_api(*engine);
  if (auto bound = i.listen(); !bound) return fail(bound.error());
  if (auto made = i.make_identity(); !made) return fail(made.error());
  auto assembly = assemble(i.options.config, *i.me, *i.options.registry, nullptr);
  if (!assembly) return fail(assembly.error());
  auto image = i.load();
  if (!image) return fail(image.error());
  i.make_threads();
  i.calls->use(*assembly);
  i.writer->config(i.options.config);
  i.stopped = false;
  i.scheduler->start(core::Started{(*assembly)->active, i.identity.run, random_name(6), std::move(*image)});
  i.housekeeper = std::make_unique<Housekeeper>(i.housekeeping(), i.lanes, *i.alarms);
  i.ready = true;
  return engine;
}

Status Engine::Impl::open_ledger() {
  const auto& factory = options.config->factory;
  state_dir = factory.state_dir;
  auto taken = StateLock::take(state_dir);
  if (!taken) return fail(taken.error());
  lock.emplace(std::move(*taken));
  if (auto made = make_directories(factory.log_dir, 0755); !made) return made;
  auto opened = Ledger::open(
      {.state_dir = state_dir, .factory_id = factory.factory_id, .now = wall_now(), .machine = machine_id()});
  if (!opened) {
    Error e = opened.error();
    if (e.code == "store.corrupt")
      e.advice = "restore a backup, or `apf ledger rebuild` to begin anew from the live pilots";
    return fail(std::move(e));
  }
  ledger.emplace(std::move(*opened));
  identity = ledger->identity();
  reader = std::make_unique<LedgerReader>(state_dir);
  return {};
}

void Engine::Impl::make_api(Engine& engine) {
  ApiPorts ports;
  ports.factory = [this] { return snapshots.factory(); };
  ports.queues = [this] { return snapshots.queues(); };
  ports.stats = [&engine] { return engine.stats(); };
  ports.alarms = [this] { return alarms->own(); };
  ports.pilots = [this](const PilotFilter& f) { return reader->pilots(f); };
  ports.decisions = [this](const std::string& queue, std::size_t most) {
    return last_decisions(state_dir + "/journal", queue, most);
  };
  ports.report_key = [this](const std::string& s) { return report_key(identity.secret, s); };
  ports.reported = [this](core::PilotReported r) { scheduler->post(std::move(r)); };
  ports.order = [this](core::Event e, std::function<void(Status)> done) { order(std::move(e), std::move(done)); };
  ports.reload = [&engine]() -> Result<std::string> {
    const auto done = engine.reload();
    if (!done) return fail(done.error());
    return done->text();
  };
  api = std::make_unique<Api>(std::move(ports), ApiOptions{.factory_id = identity.factory_id,
                                                           .log_dir = options.config->factory.log_dir,
                                                           .wrapper_directory = wrapper_directory(state_dir),
                                                           .bootstrap_file = options.bootstrap_file});
}

// Until the factory has begun, everything is answered with 503.
Result<std::unique_ptr<net::HttpServer>> Engine::Impl::serve(const net::ServerOptions& where, Api::Side side) {
  return net::HttpServer::start(where, [this, handler = api->handler(side)](const net::Request& request,
                                                                            const net::ReplyPtr& reply) {
    if (ready) return handler(request, reply);
    net::Response early;
    early.status = 503;
    early.body =
        error_json({Kind::transient, "api.not_begun", "the factory has not begun yet", {}, "ask again in a second"});
    reply->send(std::move(early));
  });
}

void Engine::Impl::order(core::Event event, std::function<void(Status)> done) {
  if (std::holds_alternative<core::Adopt>(event))
    writer->run([this] {  // from now on the state directory is this factory's, wherever it came from
      if (const auto claimed = ledger->adopt(); !claimed)
        log(Level::error, "ledger", "adopt: " + claimed.error().text());
    });
  scheduler->post(std::move(event), Scheduler::After::pass, std::move(done));
}

// Binds before anything runs: a port that is taken must stop the start, and pilots need the address.
Status Engine::Impl::listen() {
  net::ServerOptions local;
  local.unix_path = state_dir + "/apf.sock";
  auto bound = serve(local, Api::Side::operators);
  if (!bound) return fail(bound.error());
  control = std::move(*bound);
  const std::string& text = options.config->factory.listen;
  if (text.empty()) return {};
  auto where = serve::read_address(text, "factory.listen");
  if (!where) return fail(where.error());
  bound = serve(*where, Api::Side::readers);
  if (!bound) return fail(bound.error());
  http = std::move(*bound);
  address = serve::url_base(where->address, http->port());
  if (auto ok = replace_file(state_dir + "/address", address + "\n", 0644); !ok)
    log(Level::warning, "engine", ok.error().text());
  return {};
}

// Which wrapper new pilots run from now on; told when it is another one.
Result<std::shared_ptr<const FactoryIdentity>> Engine::Impl::with_wrapper(const core::FactorySettings& factory) const {
  auto fresh = *me;
  core::FactorySettings settings = factory;
  settings.state_dir = state_dir;
  auto chosen = choose_wrapper(fresh, settings, address, {options.bootstrap_file, options.wrapper_file, true});
  if (!chosen) return fail(std::move(chosen.error()));
  if (fresh.wrapper_sha256 != me->wrapper_sha256)
    log(Level::info, "engine", "new pilots run the wrapper with SHA-256 " + fresh.wrapper_sha256);
  if (fresh.next_wrapper_sha256 != me->next_wrapper_sha256)
    log(Level::info, "engine",
        fresh.next_wrapper_sha256.empty() ? "there is no next wrapper any more"
                                          : "the next wrapper has SHA-256 " + fresh.next_wrapper_sha256);
  return std::make_shared<const FactoryIdentity>(std::move(fresh));
}

Status Engine::Impl::make_identity() {
  auto made = identity_of(options.config->factory, address, {options.bootstrap_file, options.wrapper_file, true});
  if (!made) return fail(made.error());
  made->instance = identity.instance;
  made->run = identity.run;
  made->user = options.user;
  me = std::make_shared<const FactoryIdentity>(std::move(*made));
  return {};
}

Result<core::LedgerImage> Engine::Impl::load() {
  auto image = ledger->load(wall_now());
  if (!image) return image;
  log(Level::info, "engine",
      "factory '" + identity.factory_id + "', run " + std::to_string(identity.run) + ", " +
          std::to_string(image->pilots.size()) + " pilots in the ledger" + (image->fresh ? " (made anew)" : ""));
  if (!image->doubt.empty()) log(Level::warning, "engine", image->doubt);
  return image;
}

void Engine::Impl::make_threads() {
  alarms = std::make_unique<Alarms>(
      [this](const core::Alarm& a, bool raised, std::int64_t suppressed) { notify(a, raised, suppressed); });
  calls = std::make_unique<Calls>(
      Calls::Ports{.post = [this](core::Event e) { scheduler->post(std::move(e)); },
                   .report_key = [this](const std::string& s) { return report_key(identity.secret, s); }},
      lanes, looking, submitting);
  const auto& factory = options.config->factory;
  writer = std::make_unique<LedgerWriter>(
      LedgerWriter::Ports{.commit = [this](const core::LedgerBatch& b, Wall now) { return commit(b, now); },
                          .report = [this](core::CommitDone done) { scheduler->post(std::move(done)); },
                          .journalled = [this](const Journal& j) { watch_journal(j); }},
      std::make_unique<Journal>(JournalOptions{
          .directory = state_dir + "/journal", .age = factory.journal_age, .size = factory.journal_size}));
  scheduler = std::make_unique<Scheduler>(Scheduler::Ports{
      .on = [this](const core::Event& e, Mono now, Wall shown) { return core::on(*state, e, now, shown); },
      .write = [this](PassRecord r) { writer->write(std::move(r)); },
      .perform = [this](core::Effect e) { perform(std::move(e)); },
      .published = [this] { publish(); }});
}

Status Engine::Impl::commit(const core::LedgerBatch& batch, Wall now) {
  const Mono begun = mono_now();
  Status done = ledger->commit(batch, now);
  ++(done ? commits : commit_failures);
  commit_ns += (mono_now() - begun).count();
  return done;
}

void Engine::Impl::watch_journal(const Journal& journal) {
  journal_dropped = journal.dropped();
  if (journal.dropped() > 0)
    alarms->raise("journal.dropped", "journal", "decisions can't be journalled: " + journal.trouble(), mono_now(),
                  wall_now());
  else
    alarms->clear("journal.dropped", "journal", mono_now());
}

void Engine::Impl::perform(core::Effect effect) const {
  if (const auto* change = std::get_if<core::AlarmChanged>(&effect))
    alarms->changed(change->alarm, change->raised, mono_now());
  else
    calls->perform(std::move(effect));
}

void Engine::Impl::publish() {
  const auto changed = core::take_changed(*state);
  snapshots.update({changed.begin(), changed.end()}, core::overview(*state));
}

void Engine::Impl::notify(const core::Alarm& alarm, bool raised, std::int64_t suppressed) {
  const auto assembly = calls->assembly();
  const std::string& command = assembly->active.config->factory.alarm_command;
  if (command.empty()) return;
  lanes.run(LaneClass::tell, "alarm", [stop = looking, c = alarm_command(command, alarm, raised, suppressed)] {
    const auto done = make_context("alarm", mono_now() + seconds{60}, stop)->run(c);
    if (!done || done->exit_code != 0)
      log(Level::warning, "alarm",
          "the alarm command failed: " + (done ? done->err.substr(0, 500) : done.error().text()));
  });
}

Housekeeper::Ports Engine::Impl::housekeeping() {
  return {.config = [this] { return calls->assembly()->active.config; },
          .post = [this](core::Event e) { scheduler->post(std::move(e)); },
          .trim =
              [this](Wall before) {
                writer->run([this, before] {
                  if (const auto gone = ledger->trim(before, kTrimBite); !gone)
                    log(Level::warning, "ledger", "retention: " + gone.error().text());
                });
              },
          .flush_journal = [this] { writer->flush_journal(); },
          .live_ids =
              [this](std::unordered_set<std::string>& live) {
                return reader->live_ids([&](const std::string& id) { add_live(live, id); });
              }};
}

bool Engine::stop() {
  Impl& i = *impl_;
  if (i.stopped.exchange(true)) return true;
  i.housekeeper->stop();
  i.scheduler->post(core::Stopping{});
  i.looking->set();
  i.lanes.drop_waiting(LaneClass::poll);
  i.lanes.drop_waiting(LaneClass::tell);
  i.lanes.drop_waiting(LaneClass::feed);
  i.lanes.quiet(LaneClass::act, kSubmitGrace);
  i.submitting->set();
  const bool ended = i.lanes.finish(kCallGrace);
  i.scheduler->stop();
  const bool written = i.writer->finish(kWriteGrace);
  if (i.http) i.http->stop();
  i.control->stop();
  std::remove((i.state_dir + "/apf.sock").c_str());
  return ended && written;
}

const Snapshots& Engine::snapshots() const { return impl_->snapshots; }
ConfigPtr Engine::config() const { return impl_->calls->assembly()->active.config; }
std::shared_ptr<const FactoryIdentity> Engine::me() const { return impl_->calls->assembly()->me; }
std::string Engine::journal_directory() const { return impl_->state_dir + "/journal"; }
std::string Engine::control_socket() const { return impl_->state_dir + "/apf.sock"; }
std::string Engine::address() const { return impl_->address; }
LedgerReader& Engine::ledger() { return *impl_->reader; }

std::vector<core::Alarm> Engine::alarms() const {
  std::vector<core::Alarm> all = impl_->alarms->own();
  if (const auto factory = impl_->snapshots.factory())
    all.insert(all.end(), factory->alarms.begin(), factory->alarms.end());
  return all;
}

ShellStats Engine::stats() const {
  const Impl& i = *impl_;
  ShellStats s;
  s.passes = static_cast<std::int64_t>(i.snapshots.passes());
  s.commits = i.commits;
  s.commit_failures = i.commit_failures;
  s.commit_seconds = static_cast<double>(i.commit_ns) / 1e9;
  s.journal_dropped = i.journal_dropped;
  s.threads = i.lanes.threads();
  s.lanes = i.lanes.loads();
  s.overdue = i.lanes.overdue(mono_now());
  return s;
}

std::string ReloadReport::text() const {
  std::string all = version;
  for (const auto& line : lines) all += "\n" + line;
  for (const auto& line : needs_restart) all += "\n" + line + " takes effect at the next start";
  return all;
}

Result<ReloadReport> Engine::reload() {
  Impl& i = *impl_;
  const std::scoped_lock one(i.reloading);
  if (!i.options.load) return fail(Kind::permanent, "engine.no_reload", "this factory has no configuration file");
  const auto refuse = [](const Error& e) {
    log(Level::error, "config", "not reloaded, the old configuration stays: " + e.text());
    return fail(e);
  };
  auto candidate = i.options.load();
  if (!candidate) return refuse(candidate.error());
  const auto before = i.calls->assembly();
  auto me = i.with_wrapper(candidate->config->factory);
  if (!me) return refuse(me.error());
  auto made = assemble(candidate->config, **me, *i.options.registry, before.get());
  if (!made) return refuse(made.error());
  i.me = std::move(*me);
  i.calls->use(*made);
  i.writer->config(candidate->config);
  const auto in_force = std::make_shared<std::promise<void>>();
  i.scheduler->post(core::ConfigChanged{(*made)->active}, Scheduler::After::pass,
                    [in_force](const Status&) { in_force->set_value(); });
  in_force->get_future().wait();  // the scheduler answers even when it stops
  if (candidate->accept) candidate->accept();
  candidate->report.version = candidate->config->version;
  log(Level::info, "config", "reloaded: " + candidate->report.version);
  for (const auto& line : candidate->report.lines) log(Level::info, "config", line);
  for (const auto& line : candidate->report.needs_restart)
    log(Level::warning, "config", line + " takes effect at the next start");
  return candidate->report;
}

}  // namespace apf::engine
