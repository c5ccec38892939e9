// Validated sections -> the values that the core works on. Nothing can fail here.
#include "config/assembly.h"

namespace apf::config {
namespace {

// A link below which paths are hung never ends in a slash.
std::string base_url(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

core::FactorySettings factory_settings(const Options& o) {
  core::FactorySettings f;
  f.factory_id = o.text("factory_id");
  f.state_dir = o.text("state_dir");
  f.log_dir = o.text_or("log_dir", f.state_dir + "/logs");
  f.log_url = base_url(o.text_or("log_url", ""));
  f.listen = o.text_or("listen", "");
  f.report_url = base_url(o.text_or("report_url", ""));
  f.wrapper = o.text_or("wrapper", "");
  f.next_wrapper = o.text_or("next_wrapper", "");
  f.alarm_command = o.text_or("alarm_command", "");
  f.max_pilots = o.integer("max_pilots");
  f.max_submissions_per_minute = o.integer("max_submissions_per_minute");
  f.min_free_disk = o.integer("min_free_disk");
  f.min_free_memory = o.integer("min_free_memory");
  f.retention = o.duration("retention");
  f.journal_age = o.duration("journal_age");
  f.journal_size = o.integer("journal_size");
  f.log_size = o.integer("log_size");
  return f;
}

core::WmsSource wms_source(const Section& s) {
  core::WmsSource w;
  w.name = s.name;
  w.plugin = s.plugin;
  w.interval = s.house.duration("interval");
  w.max_age = s.house.duration("max_age");
  w.timeout = s.house.duration("timeout");
  if (s.house.has("lag")) w.lag = s.house.duration("lag");
  w.pickup = s.house.duration("pickup");
  w.options = s.own;
  return w;
}

core::BatchSource batch_source(const Section& s) {
  core::BatchSource b;
  b.name = s.name;
  b.plugin = s.plugin;
  b.interval = s.house.duration("interval");
  b.max_age = s.house.duration("max_age");
  b.timeout = s.house.duration("timeout");
  b.reconcile = s.house.duration("reconcile");
  b.settle_wait = s.house.duration("settle_wait");
  b.max_pilots = s.house.integer("max_pilots");
  b.max_submissions_per_minute = s.house.integer("max_submissions_per_minute");
  b.options = s.own;
  return b;
}

Retire retire_of(const std::string& word) {
  if (word == "pending") return Retire::pending;
  if (word == "unfed") return Retire::unfed;
  if (word == "running") return Retire::running;
  return Retire::none;
}

template <class T>
T list_or_empty(const Options& o, std::string_view name, const T& (Options::*get)(std::string_view) const) {
  return o.has(name) ? (o.*get)(name) : T{};
}

QueueSpec queue_spec(const Section& s) {
  const Options& o = s.house;
  QueueSpec q;
  q.name = s.name;
  q.wms = o.text_or("wms", "");
  q.wms_queue = o.text_or("wms_queue", "");
  if (q.wms_queue.empty()) q.wms_queue = s.name;
  q.batch = o.text("batch");
  q.site = o.text_or("site", "");
  q.cloud = o.text_or("cloud", "");
  q.job_labels = list_or_empty(o, "job_labels", &Options::list);
  q.resource_types = list_or_empty(o, "resource_types", &Options::list);
  q.sched = s.sched;
  q.weight = o.real("weight");
  q.enabled = o.flag("enabled");
  q.mode = o.text("mode") == "shadow" ? Mode::shadow : Mode::active;
  q.retire = retire_of(o.text("retire"));
  q.trial = o.integer("trial");
  q.held_release = o.duration("held_release");
  q.held_tries = o.integer("held_tries");
  q.held_remove = o.duration("held_remove");
  q.running_remove = o.duration("running_remove");
  q.pending_remove = o.duration("pending_remove");
  q.retire_newest_first = o.text("retire_order") == "newest";
  q.renamed_from = o.text_or("renamed_from", "");
  q.executable = o.text_or("executable", "");
  q.arguments = list_or_empty(o, "arguments", &Options::list);
  q.next_wrapper = o.integer("next_wrapper");
  q.environment = list_or_empty(o, "environment", &Options::table);
  q.input_files = list_or_empty(o, "input_files", &Options::list);
  q.min_pilot_time = o.duration("min_pilot_time");
  q.exclude_nodes = o.flag("exclude_nodes");
  q.keep_logs = o.duration("keep_logs");
  q.submit = s.own;
  q.origin = s.origin;
  return q;
}

}  // namespace

core::Config make_config(std::span<const Section> sections) {
  core::Config c;
  for (const Section& s : sections) {
    if (s.kind == "factory") c.factory = factory_settings(s.house);
    if (s.kind == "wms") c.wms.push_back(wms_source(s));
    if (s.kind == "batch") c.batch.push_back(batch_source(s));
    if (s.kind == "monitor") c.monitors.push_back({s.name, s.plugin, s.own});
    if (s.kind == "queue") c.queues.push_back(std::make_shared<const QueueSpec>(queue_spec(s)));
  }
  return c;
}

}  // namespace apf::config
