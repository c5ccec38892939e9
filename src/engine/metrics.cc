#include "engine/metrics.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "process/usage.h"
#include "protocol/prometheus.h"

namespace apf::engine {
namespace {

constexpr std::size_t kMostQueues = 5000;
using Writer = protocol::MetricsWriter;
constexpr auto kGauge = Writer::Type::gauge;
constexpr auto kCounter = Writer::Type::counter;

double age(Mono since, Moment now) { return static_cast<double>((now.mono - since).count()) / 1e9; }

void write_factory(Writer& w, const core::FactorySnapshot& f) {
  w.family("apf_factory_info", kGauge, "The factory's id; always 1.");
  w.sample({{"factory", f.factory_id}}, 1);
  w.single("apf_factory_start_time_seconds", kGauge, "When this run started, in seconds since 1970.",
           static_cast<double>(f.started.ms) / 1000.0);
  w.single("apf_factory_run", kGauge, "How often this factory was started.", f.run);
  w.single("apf_factory_stopping", kGauge, "1 while it shuts down.", f.stopping ? 1 : 0);
  w.single("apf_factory_open_submissions", kGauge, "Submissions whose effect is not known yet.", f.open_submissions);
  w.family("apf_factory_pilots", kGauge, "Live pilots of all queues.");
  w.sample({{"state", "pending"}}, f.pending);
  w.sample({{"state", "running"}}, f.running);
  w.sample({{"state", "missing"}}, f.missing);
  w.single("apf_factory_holds", kGauge, "Operators' holds in force.", f.holds.size());
}

void write_alarms(Writer& w, const core::FactorySnapshot& f) {
  std::map<std::string, int> by_code;
  for (const auto& a : f.alarms) ++by_code[a.code];
  w.family("apf_alarms", kGauge, "Alarms that stand, by code.");
  for (const auto& [code, n] : by_code) w.sample({{"code", code}}, n);
}

void write_sources(Writer& w, const core::FactorySnapshot& f, Moment now) {
  w.family("apf_source_ok", kGauge, "1 when the source's last view is trusted and young enough.");
  for (const auto& s : f.sources) w.sample({{"kind", s.kind}, {"source", s.name}}, s.state == "ok" ? 1 : 0);
  w.family("apf_source_state", kGauge, "1 for the state that the source is in.");
  for (const auto& s : f.sources) w.sample({{"kind", s.kind}, {"source", s.name}, {"state", s.state}}, 1);
  w.family("apf_source_view_age_seconds", kGauge, "Age of the source's last trusted view.");
  for (const auto& s : f.sources) {
    if (s.view_at.ns != 0) w.sample({{"kind", s.kind}, {"source", s.name}}, age(s.view_at, now));
  }
  w.family("apf_source_pilots", kGauge, "Live pilots in a batch source.");
  for (const auto& s : f.sources) {
    if (s.kind == "batch") w.sample({{"kind", s.kind}, {"source", s.name}}, s.pilots);
  }
}

using Queue = core::QueueSnapshot;

// One family with one sample a queue.
template <class Value>
void each(Writer& w, const QueueSnapshots& queues, const char* name, Writer::Type type, const char* help, Value value) {
  w.family(name, type, help);
  for (const auto& q : queues) w.sample({{"queue", q->name}}, value(*q));
}

void write_queue_counts(Writer& w, const QueueSnapshots& queues) {
  w.family("apf_queue_pilots", kGauge, "Pilots of the queue; held and missing ones are among the pending or running.");
  for (const auto& q : queues) {
    w.sample({{"queue", q->name}, {"state", "pending"}}, q->pending);
    w.sample({{"queue", q->name}, {"state", "running"}}, q->running);
    w.sample({{"queue", q->name}, {"state", "claimed"}}, q->claimed);
    w.sample({{"queue", q->name}, {"state", "held"}}, q->held);
    w.sample({{"queue", q->name}, {"state", "missing"}}, q->missing);
  }
  w.family("apf_queue_jobs", kGauge, "Jobs in the WMS queue; absent while the demand is not known.");
  for (const auto& q : queues) {
    if (!q->demand_known) continue;
    w.sample({{"queue", q->name}, {"state", "ready"}}, q->ready);
    w.sample({{"queue", q->name}, {"state", "notready"}}, q->notready);
  }
  each(w, queues, "apf_queue_nodes_known", kGauge, "Nodes on which pilots of the queue ran within a day.",
       [](const Queue& q) { return q.known_nodes; });
  each(w, queues, "apf_queue_nodes_excluded", kGauge, "Nodes that get no pilots of the queue because they ruin them.",
       [](const Queue& q) { return q.excluded_nodes.size(); });
  each(w, queues, "apf_queue_failing", kGauge, "1 while the queue is slowed down because its pilots fail.",
       [](const Queue& q) { return q.failing.empty() ? 0 : 1; });
  each(w, queues, "apf_queue_open_submissions", kGauge, "Submissions whose effect is not known yet.",
       [](const Queue& q) { return q.open_submissions; });
}

void write_queue_life(Writer& w, const QueueSnapshots& queues) {
  each(w, queues, "apf_queue_pilots_submitted_total", kCounter, "Pilots ever submitted for the queue.",
       [](const Queue& q) { return q.life_submitted; });
  w.family("apf_queue_pilots_ended_total", kCounter, "Pilots of the queue that ended, by result.");
  for (const auto& q : queues) {
    w.sample({{"queue", q->name}, {"result", "done"}}, q->life_done);
    w.sample({{"queue", q->name}, {"result", "failed"}}, q->life_failed);
  }
}

void write_queue_decisions(Writer& w, const QueueSnapshots& queues) {
  each(w, queues, "apf_queue_decision", kGauge, "Number of the last decision: pilots to submit, or to retire (< 0).",
       [](const Queue& q) { return q.last ? q.last->n : 0; });
  each(w, queues, "apf_queue_held", kGauge, "1 when the last decision was held, whatever the reason.",
       [](const Queue& q) { return q.last && !q.last->held.empty() ? 1 : 0; });
}

void write_shell(Writer& w, const core::FactorySnapshot& f, const ShellStats& s) {
  w.single("apf_passes_total", kCounter, "Passes of the scheduler.", s.passes);
  w.single("apf_ledger_ok", kGauge, "0 while the ledger can't be written and submissions hold.",
           f.ledger_trouble.empty() ? 1 : 0);
  w.single("apf_ledger_commits_total", kCounter, "Commits of the ledger.", s.commits);
  w.single("apf_ledger_commit_failures_total", kCounter, "Commits that failed.", s.commit_failures);
  w.single("apf_ledger_commit_seconds_total", kCounter, "Time spent in commits.", s.commit_seconds);
  w.single("apf_journal_lost_lines", kGauge, "Lines lost since the journal could last be written.", s.journal_dropped);
  w.single("apf_lane_threads", kGauge, "Workers that run calls of plug-ins.", s.threads);
  w.family("apf_lane_jobs", kGauge, "Calls that wait or run, by lane.");
  for (const auto& [lane, n] : s.lanes) w.sample({{"lane", lane}}, n);
  w.family("apf_lane_overdue", kGauge, "1 for a lane whose call is past its deadline.");
  for (const auto& lane : s.overdue) w.sample({{"lane", lane}}, 1);
  w.family("apf_reports_total", kCounter, "Reports of wrappers, by what became of them.");
  w.sample({{"result", "accepted"}}, s.reports_accepted);
  w.sample({{"result", "refused"}}, s.reports_refused);
  w.family("apf_http_answers_total", kCounter, "Answers of the HTTP API, by status.");
  for (const auto& [status, n] : s.http_answers) w.sample({{"status", std::to_string(status)}}, n);
}

}  // namespace

std::string metrics_text(const core::FactorySnapshot& factory, const QueueSnapshots& queues, const ShellStats& shell,
                         Moment now) {
  QueueSnapshots shown;
  std::copy_if(queues.begin(), queues.end(), std::back_inserter(shown), [](const auto& q) { return q != nullptr; });
  const std::size_t left_out = shown.size() > kMostQueues ? shown.size() - kMostQueues : 0;
  shown.resize(shown.size() - left_out);
  Writer w;
  write_factory(w, factory);
  write_alarms(w, factory);
  write_sources(w, factory, now);
  write_queue_counts(w, shown);
  write_queue_life(w, shown);
  write_queue_decisions(w, shown);
  w.single("apf_metrics_queues_left_out", kGauge, "Queues that are too many to show here.", left_out);
  write_shell(w, factory, shell);
  const process::Usage self = process::own_usage();
  protocol::write_process_metrics(w, self.cpu_seconds, self.resident_bytes);
  return w.take();
}

}  // namespace apf::engine
