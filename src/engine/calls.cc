#include "engine/calls.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "engine/call_context.h"
#include "engine/client_lock.h"
#include "engine/log.h"
#include "engine/random.h"

namespace apf::engine {
namespace {

constexpr Duration kTellTimeout = seconds{30};
constexpr Duration kListen = seconds{10};   // a feed that is silent for so long says so
constexpr std::size_t kMostNotices = 100;   // that wait for one monitor; later ones are dropped
constexpr Duration kOverdue = seconds{10};  // past its deadline, before a call counts as hanging

Error gone(const char* kind, const std::string& name) {
  return {
      Kind::transient, "engine.no_such_source", std::string("the ") + kind + " section '" + name + "' is gone", {}, {}};
}
Error stopping() {
  return {Kind::transient, "engine.stopping", "the factory is stopping: the call was not made", {}, {}};
}

// Calls a plug-in; what it throws is a defect of that plug-in and must not end the factory. The message names the
// call so that an operator knows which plug-in to blame.
template <class R, class Call>
R guarded(const std::string& topic, Call call) {
  std::string what = "something that is no std::exception";
  try {
    return call();
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): named above
  }
  log(Level::error, topic, "the plug-in threw: " + what);
  return fail(Kind::bug, "engine.plugin_threw", "the plug-in threw: " + what, topic, "report this defect");
}

template <class Map>
auto lookup(const Map& map, const std::string& name) {
  const auto at = map.find(name);
  return at == map.end() ? typename Map::mapped_type() : at->second;
}

}  // namespace

Calls::Calls(Ports ports, Lanes& lanes, std::shared_ptr<Stop> looking, std::shared_ptr<Stop> submitting)
    : ports_(std::move(ports)), lanes_(lanes), looking_(std::move(looking)), submitting_(std::move(submitting)) {}

void Calls::use(std::shared_ptr<const Assembly> assembly) {
  const std::scoped_lock lock(mutex_);
  assembly_.swap(assembly);
}
std::shared_ptr<const Assembly> Calls::assembly() const {
  const std::scoped_lock lock(mutex_);
  return assembly_;
}

void Calls::perform(core::Effect effect) {
  std::visit(
      [this](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, core::PollWms>) poll_wms(std::move(e));
        if constexpr (std::is_same_v<E, core::PollBatch>) poll_batch(std::move(e));
        if constexpr (std::is_same_v<E, core::FollowBatch>) follow(std::move(e));
        if constexpr (std::is_same_v<E, core::SubmitPilots>) submit(std::move(e));
        if constexpr (std::is_same_v<E, core::FindPilots>) find(std::move(e));
        if constexpr (std::is_same_v<E, core::RemovePilots>) remove(std::move(e));
        if constexpr (std::is_same_v<E, core::ReleasePilots>) release(std::move(e));
        if constexpr (std::is_same_v<E, core::AvoidNodes>) avoid(std::move(e));
        if constexpr (std::is_same_v<E, core::Tell>) tell(std::move(e));
      },
      effect);
}

void Calls::poll_wms(core::PollWms call) {
  const auto all = assembly();
  const auto source = lookup(all->wms, call.wms);
  if (!source)
    return ports_.post(core::DemandSeen{call.wms, call.asked, mono_now(), fail(gone("wms", call.wms)), false});
  const std::string topic = "wms." + call.wms;
  lanes_.run(
      LaneClass::poll, topic,
      [this, source, topic, call = std::move(call)] {
        const Mono now = mono_now();
        const auto context = make_context(topic, now + source->spec.timeout, looking_);
        using R = Result<View<DemandData>>;
        R view = guarded<R>(topic, [&] { return source->plugin->poll(call.wms_queues, call.cursor, *context); });
        if (!view && looking_->is_set()) return;  // cut off by our own stop: that is no news
        ports_.post(core::DemandSeen{call.wms, call.asked, now, std::move(view), source->plugin->pushes()});
      },
      source->spec.timeout + kOverdue);
}

void Calls::poll_batch(core::PollBatch call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source) return ports_.post(core::BatchSeen{call.batch, call.asked, mono_now(), fail(gone("batch", call.batch))});
  const std::string topic = "batch." + call.batch;
  lanes_.run(
      LaneClass::poll, topic + ".poll",
      [this, source, topic, me = all->me, call = std::move(call)] {
        const Mono now = mono_now();
        const auto context = make_context(topic, now + source->spec.timeout, looking_);
        using R = Result<View<BatchData>>;
        R view = guarded<R>(topic, [&] { return source->plugin->poll(*me, call.cursor, *context); });
        if (!view && looking_->is_set()) return;  // cut off by our own stop: that is no news
        ports_.post(core::BatchSeen{call.batch, call.asked, now, std::move(view)});
      },
      source->spec.timeout + kOverdue);
}

void Calls::follow(core::FollowBatch call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source) return ports_.post(core::EventsSeen{call.batch, fail(gone("batch", call.batch))});
  if (!source->plugin->feeds())
    return ports_.post(
        core::EventsSeen{call.batch, fail(Kind::config, "batch.no_feed", "the plug-in has no feed of events")});
  const std::string topic = "batch." + call.batch;
  lanes_.run(
      LaneClass::feed, topic + ".feed",
      [this, source, topic, me = all->me, call = std::move(call)] {
        const auto context = make_context(topic, mono_now() + kListen, looking_);
        using R = Result<View<FeedData>>;
        R told = guarded<R>(topic, [&] { return source->plugin->follow(*me, call.cursor, *context); });
        if (looking_->is_set() && !told) return;  // cut off by our own stop: that is no news
        ports_.post(core::EventsSeen{call.batch, std::move(told)});
      },
      kListen + kOverdue);
}

void Calls::submit(core::SubmitPilots call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.queue->batch);
  if (!source) return ports_.post(core::SubmitAnswered{call.submission, fail(gone("batch", call.queue->batch))});
  const std::string topic = "batch." + call.queue->batch;
  const std::string id = call.submission;
  const bool taken = lanes_.run(
      LaneClass::act, topic + ".submit",
      [this, source, topic, me = all->me, call = std::move(call)] {
        using R = Result<std::vector<std::string>>;
        // One that has not begun when the factory stops is surely without effect.
        if (looking_->is_set()) return ports_.post(core::SubmitAnswered{call.submission, fail(stopping())});
        const ClientLock client(me->state_dir, call.submission);
        const auto context = make_context(topic, mono_now() + source->spec.timeout, submitting_, client.fd());
        const SubmitOrder order{
            call.queue.get(), me.get(),         call.submission, call.n,       ports_.report_key(call.submission),
            call.planned,     call.avoid_nodes, call.place,      call.first_no};
        R ids = guarded<R>(topic, [&] { return source->plugin->submit(order, *context); });
        // A plug-in that threw may have submitted before it did.
        if (!ids && ids.error().code == "engine.plugin_threw") ids.error().kind = Kind::uncertain;
        ports_.post(core::SubmitAnswered{call.submission, std::move(ids)});
      },
      source->spec.timeout + kOverdue);
  if (!taken) ports_.post(core::SubmitAnswered{id, fail(stopping())});
}

// What a client that still runs will do is not known yet: its submission is looked up when it has ended (R8). One that
// outlived its factory has no deadline any more; it gets one here, since a client may hang for ever.
bool Calls::client_runs(const std::string& state_dir, const std::string& submission, Duration timeout) {
  const bool runs = ClientLock::running(state_dir, submission);
  const std::scoped_lock lock(mutex_);
  if (!runs) {
    orphans_.erase(submission);
    return false;
  }
  if (mono_now() - orphans_.try_emplace(submission, mono_now()).first->second >= timeout) {
    const int killed = ClientLock::kill_orphans(state_dir, submission);
    log(Level::warning, "engine",
        fmt::format("killed {} processes that an earlier run left behind with submission {}", killed, submission));
  }
  return true;
}

void Calls::find(core::FindPilots call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source)
    return ports_.post(
        core::FindAnswered{call.batch, call.asked, mono_now(), call.submissions, fail(gone("batch", call.batch))});
  const std::string topic = "batch." + call.batch;
  lanes_.run(
      LaneClass::poll, topic + ".poll",  // poll() and find() share a thread: apf/batch.h
      [this, source, topic, me = all->me, call = std::move(call)]() mutable {
        const Mono now = mono_now();
        const auto context = make_context(topic, now + source->spec.timeout, looking_);
        using R = Result<View<std::vector<PilotSeen>>>;
        std::erase_if(call.submissions,
                      [&](const std::string& id) { return client_runs(me->state_dir, id, source->spec.timeout); });
        R view = call.submissions.empty()
                     ? R(fail(Kind::transient, "engine.client_running", "the submission's client still runs", topic))
                     : guarded<R>(topic, [&] { return source->plugin->find(*me, call.submissions, *context); });
        if (!view && looking_->is_set()) return;  // cut off by our own stop: that is no news
        ports_.post(core::FindAnswered{call.batch, call.asked, now, std::move(call.submissions), std::move(view)});
      },
      source->spec.timeout + kOverdue);
}

void Calls::remove(core::RemovePilots call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source) return ports_.post(core::RemoveAnswered{call.batch, call.pilots, fail(gone("batch", call.batch))});
  const std::string topic = "batch." + call.batch;
  const std::string batch = call.batch;
  const auto pilots = call.pilots;
  const bool taken = lanes_.run(
      LaneClass::act, topic + ".submit",  // submit() and remove() share a thread: apf/batch.h
      [this, source, topic, call = std::move(call)] {
        if (looking_->is_set()) return ports_.post(core::RemoveAnswered{call.batch, call.pilots, fail(stopping())});
        const auto context = make_context(topic, mono_now() + source->spec.timeout, submitting_);
        using R = Result<std::int64_t>;
        R n =
            guarded<R>(topic, [&] { return source->plugin->remove(call.removals, call.only_in, call.why, *context); });
        ports_.post(core::RemoveAnswered{call.batch, call.pilots, std::move(n)});
      },
      source->spec.timeout + kOverdue);
  if (!taken) ports_.post(core::RemoveAnswered{batch, pilots, fail(stopping())});
}

// No answer goes back: the next view or event shows what became of them.
void Calls::release(core::ReleasePilots call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source) return;
  const std::string topic = "batch." + call.batch;
  lanes_.run(
      LaneClass::act, topic + ".submit",
      [this, source, topic, call = std::move(call)] {
        if (looking_->is_set()) return;
        const auto context = make_context(topic, mono_now() + source->spec.timeout, submitting_);
        using R = Result<std::int64_t>;
        const R n = guarded<R>(topic, [&] { return source->plugin->release(call.pilots, call.why, *context); });
        if (!n) log(Level::warning, topic, "held pilots could not be released: " + n.error().text());
      },
      source->spec.timeout + kOverdue);
}

void Calls::avoid(core::AvoidNodes call) {
  const auto all = assembly();
  const auto source = lookup(all->batch, call.batch);
  if (!source) return ports_.post(core::AvoidAnswered{call.queue, fail(gone("batch", call.batch))});
  const std::string topic = "batch." + call.batch;
  const std::string queue = call.queue;
  const bool taken = lanes_.run(
      LaneClass::act, topic + ".submit",  // after the submissions that are under way: apf/batch.h
      [this, source, topic, me = all->me, call = std::move(call)] {
        if (looking_->is_set()) return ports_.post(core::AvoidAnswered{call.queue, fail(stopping())});
        const auto context = make_context(topic, mono_now() + source->spec.timeout, submitting_);
        using R = Result<std::int64_t>;
        R n = guarded<R>(topic, [&] { return source->plugin->avoid(*me, call.queue, call.nodes, *context); });
        if (!n) log(Level::warning, topic, "pending pilots were not told which nodes to avoid: " + n.error().text());
        ports_.post(core::AvoidAnswered{call.queue, std::move(n)});
      },
      source->spec.timeout + kOverdue);
  if (!taken) ports_.post(core::AvoidAnswered{queue, fail(stopping())});
}

// Pilots of one submission come one after the other, mostly.
void Calls::put_keys(std::vector<PilotNote>& pilots) const {
  const PilotNote* last = nullptr;
  for (PilotNote& p : pilots) {
    p.report_key_sha256 = last != nullptr && last->submission == p.submission
                              ? last->report_key_sha256
                              : key_digest(ports_.report_key(p.submission));
    last = &p;
  }
}

void Calls::tell(core::Tell note) {
  const auto all = assembly();
  if (!all->pilots_report_to.empty()) put_keys(note.pilots);
  const auto shared = std::make_shared<const core::Tell>(std::move(note));
  for (const auto& [name, target] : all->monitors) {
    const std::string topic = "monitor." + name;
    if (lanes_.load(topic) >= kMostNotices) {
      log(Level::warning, topic, "is behind by too many notices: one was dropped");
      continue;
    }
    lanes_.run(
        LaneClass::tell, topic,
        [this, to = target, topic, shared, me = all->me] {
          const auto context = make_context(topic, mono_now() + kTellTimeout, looking_);
          const Status told =
              guarded<Status>(topic, [&] { return to->plugin->tell(*me, shared->pilots, shared->queues, *context); });
          if (!told) log(Level::warning, topic, told.error().text());
        },
        kTellTimeout + kOverdue);
  }
}

}  // namespace apf::engine
