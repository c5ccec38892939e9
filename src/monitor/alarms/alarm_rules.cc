#include "monitor/alarms/alarm_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace apf::monitor {
namespace {

std::string percent(std::int64_t part, std::int64_t of) { return fmt::format("{} %", of == 0 ? 0 : part * 100 / of); }
std::string pilots(std::int64_t n) { return fmt::format("{} pilot{}", n, n == 1 ? "" : "s"); }

// Between two starts of pilots; shorter ones are not looked at.
constexpr Duration kPause = seconds{60};

class Rules {
 public:
  Rules(const Snapshot& figures, const AlarmLimits& limits, Wall began, Wall now)
      : figures_(figures), limits_(limits), began_(began), now_(now) {
    for (const auto& n : figures_.nodes)
      if (n->hour.fault > 0) failing_.push_back(n.get());
    std::sort(failing_.begin(), failing_.end(), [](auto* a, auto* b) { return a->hour.fault > b->hour.fault; });
  }

  std::vector<Finding> take() {
    for (const auto& f : figures_.factories) {
      silent(*f);
      credential(*f);
    }
    for (const auto& l : figures_.labels) {
      no_start(*l);
      faults(*l);
      held(*l);
    }
    for (const NodeFigures* n : failing_) node(*n);
    return std::move(found_);
  }

 private:
  [[nodiscard]] Duration ago(Wall t) const { return between(std::max(t, began_), now_); }

  void silent(const FactoryFigures& f) {
    const Duration quiet = ago(f.seen);
    if (f.seen.ms == 0 || quiet < limits_.silent || between(f.seen, now_) > limits_.forgotten) return;
    Finding x{.code = "factory.silent", .factory = f.name};
    x.text = fmt::format("Nothing was heard of the factory since {}.", iso8601(f.seen));
    x.advice = f.email.empty() ? "Look whether it runs and reaches this monitor, or ask its operators."
                               : "Look whether it runs and reaches this monitor, or ask " + f.email + ".";
    x.evidence = {fmt::format("last decision {}, last start-up {}", iso8601(f.last_cycle), iso8601(f.last_startup)),
                  fmt::format("version {}, address {}", f.version.empty() ? "unknown" : f.version,
                              f.address.empty() ? "unknown" : f.address),
                  fmt::format("{} live when it fell silent", pilots(f.live.all()))};
    x.episode = f.seen.ms;
    found_.push_back(std::move(x));
  }

  void credential(const FactoryFigures& f) {
    if (f.credential_ends.ms == 0 || between(now_, f.credential_ends) > limits_.credential) return;
    if (between(f.seen, now_) > limits_.forgotten) return;
    Finding x{.code = "factory.credential", .factory = f.name};
    const bool over = f.credential_ends <= now_;
    x.text = fmt::format("A credential of the factory {} {}.", over ? "ended" : "ends", iso8601(f.credential_ends));
    x.advice = "Renew it, and look why nothing renewed it by itself.";
    x.evidence = {fmt::format("told by the factory {}", iso8601(f.seen))};
    found_.push_back(std::move(x));
  }

  static Finding about(const LabelFigures& l, const char* code) {
    Finding x{.code = code, .factory = l.factory_name, .label = l.name};
    x.evidence = {fmt::format("now: {} waiting, {} running, {} exiting, {} stale", l.live.created, l.live.running,
                              l.live.exiting, l.live.stale),
                  fmt::format("last hour: {} created, {} started, {} done ({} without work), {} in fault",
                              l.hour.created, l.hour.started, l.hour.done, l.hour.empty, l.hour.fault)};
    if (!l.wms_queue.empty() || !l.batch_queue.empty())
      x.evidence.push_back(fmt::format("WMS queue {}, batch queue {}", l.wms_queue.empty() ? "-" : l.wms_queue,
                                       l.batch_queue.empty() ? "-" : l.batch_queue));
    if (!l.messages.empty()) x.evidence.push_back("last message: " + l.messages.front().text);
    return x;
  }

  void no_start(const LabelFigures& l) {
    if (l.live.created < limits_.waiting || ago(l.last_started) < kPause) return;
    Finding x = about(l, "label.no_start");
    x.text = pilots(l.live.created) + " wait and none has " +
             (l.last_started.ms == 0 ? std::string("ever started.") : "started since " + iso8601(l.last_started) + ".");
    x.advice = "Look at the batch system: are its nodes free, does it take our credential, why do the pilots wait?";
    x.after = limits_.no_start;
    x.episode = l.last_started.ms;
    found_.push_back(std::move(x));
  }

  void faults(const LabelFigures& l) {
    const std::int64_t ended = std::int64_t{l.hour.done} + l.hour.fault;
    if (ended < limits_.least || double(l.hour.fault) < limits_.fault_ratio * double(ended)) return;
    Finding x = about(l, "label.faults");
    x.text = fmt::format("{} of {} that ended within an hour were in fault ({}).", l.hour.fault, pilots(ended),
                         percent(l.hour.fault, ended));
    x.advice = "Read the reasons of the last faults; when they come from few nodes, take these out.";
    add_nodes(l, x);
    found_.push_back(std::move(x));
  }

  void held(const LabelFigures& l) {
    const std::int64_t held = l.live.held + l.hour.held, all = held + l.hour.started;
    if (all < limits_.least || double(held) < limits_.held_ratio * double(all)) return;
    Finding x = about(l, "label.held");
    x.text = fmt::format(
        "{} of {} that could have started within an hour are held ({} now), or ended without having "
        "run ({}).",
        held, pilots(all), l.live.held, percent(held, all));
    x.advice = "Look why the batch system holds, removes or refuses them, first at the credential.";
    found_.push_back(std::move(x));
  }

  // The nodes on which pilots of the label fail, the worst first.
  void add_nodes(const LabelFigures& l, Finding& x) const {
    std::vector<const NodeFigures*> bad;
    for (const NodeFigures* n : failing_)
      if (std::find(n->labels.begin(), n->labels.end(), l.no) != n->labels.end()) bad.push_back(n);
    constexpr std::size_t most = 5;
    for (std::size_t i = 0; i < std::min(bad.size(), most); ++i)
      x.evidence.push_back(fmt::format("node {}: {} in fault within an hour{}", bad[i]->name, bad[i]->hour.fault,
                                       bad[i]->last_reason.empty() ? "" : ", last: " + bad[i]->last_reason));
    if (bad.size() > most) x.evidence.push_back(fmt::format("and {} more nodes", bad.size() - most));
  }

  // Does one of the node's labels do well on other nodes? Else the fault is not the node's.
  [[nodiscard]] const LabelFigures* well_elsewhere(const NodeFigures& n) const {
    for (const LabelNo no : n.labels) {
      const LabelFigures* l = figures_.label(no);
      if (l == nullptr) continue;
      const std::int64_t well = l->hour.done - n.hour.done + l->live.running - n.running;
      const std::int64_t failed = std::max(l->hour.fault - n.hour.fault, 0);
      if (well > failed) return l;
    }
    return nullptr;
  }

  void node(const NodeFigures& n) {
    if (n.fault_run < limits_.node_faults || n.hour.fault < limits_.node_faults) return;
    const LabelFigures* label = well_elsewhere(n);
    if (label == nullptr) return;
    Finding x{.code = "node.eats_pilots", .factory = label->factory_name, .label = label->name, .node = n.name};
    x.text = fmt::format("The last {} on this node ended in fault{}; elsewhere pilots of {}:{} do well.",
                         pilots(n.fault_run), n.last_failure.empty() ? "" : " (" + n.last_failure + ")",
                         label->factory_name, label->name);
    x.advice = "Take the node out of the batch system, or exclude it in the factory, and tell its site.";
    if (!n.last_reason.empty()) x.evidence.push_back("last reason: " + n.last_reason);
    x.evidence.push_back(
        fmt::format("last hour here: {} started, {} done, {} in fault", n.hour.started, n.hour.done, n.hour.fault));
    x.evidence.push_back(fmt::format("last hour of {}:{} on all nodes: {} done, {} in fault, {} running now",
                                     label->factory_name, label->name, label->hour.done, label->hour.fault,
                                     label->live.running));
    found_.push_back(std::move(x));
  }

  const Snapshot& figures_;
  const AlarmLimits& limits_;
  Wall began_, now_;
  std::vector<const NodeFigures*> failing_;  // within the last hour, the worst first
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> find_trouble(const Snapshot& figures, const AlarmLimits& limits, Wall began, Wall now) {
  return Rules(figures, limits, began, now).take();
}

}  // namespace apf::monitor
