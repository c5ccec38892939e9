#include "monitor/show/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "process/usage.h"
#include "protocol/prometheus.h"

namespace apf::monitor {
namespace {

using Metrics = protocol::MetricsWriter;
constexpr auto kGauge = Metrics::Type::gauge;
constexpr auto kCounter = Metrics::Type::counter;
constexpr std::size_t kMostLabels = 5000;

double unix_seconds(Wall t) { return static_cast<double>(t.ms) / 1000.0; }

void write_factories(Metrics& w, const Snapshot& s) {
  w.family("apf_monitor_factory_seen_time_seconds", kGauge, "When the factory was heard last, in seconds since 1970.");
  for (const auto& f : s.factories) w.sample({{"factory", f->name}}, unix_seconds(f->seen));
  w.family("apf_monitor_factory_pilots", kGauge, "Live pilots of the factory.");
  for (const auto& f : s.factories) {
    w.sample({{"factory", f->name}, {"state", "created"}}, f->live.created);
    w.sample({{"factory", f->name}, {"state", "running"}}, f->live.running);
    w.sample({{"factory", f->name}, {"state", "exiting"}}, f->live.exiting);
    w.sample({{"factory", f->name}, {"state", "stale"}}, f->live.stale);
  }
}

void write_labels(Metrics& w, const Snapshot& s) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(s.labels.size(), kMostLabels));
  const auto end = s.labels.begin() + shown;
  w.family("apf_monitor_label_pilots", kGauge, "Live pilots of the label.");
  for (auto it = s.labels.begin(); it != end; ++it) {
    const LabelFigures& l = **it;
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"state", "created"}}, l.live.created);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"state", "running"}}, l.live.running);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"state", "exiting"}}, l.live.exiting);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"state", "stale"}}, l.live.stale);
  }
  w.family("apf_monitor_label_hour", kGauge, "Pilots of the label within the last hour, by what happened to them.");
  for (auto it = s.labels.begin(); it != end; ++it) {
    const LabelFigures& l = **it;
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"event", "created"}}, l.hour.created);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"event", "started"}}, l.hour.started);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"event", "done"}}, l.hour.done);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"event", "fault"}}, l.hour.fault);
    w.sample({{"factory", l.factory_name}, {"label", l.name}, {"event", "empty"}}, l.hour.empty);
  }
  w.single("apf_monitor_metrics_labels_left_out", kGauge, "Labels that are too many to show here.",
           s.labels.size() - static_cast<std::size_t>(shown));
}

void write_alarms(Metrics& w, const OwnFigures& own) {
  std::map<std::string, std::array<int, 3>> by_code;
  for (const Alarm& a : own.alarms) ++by_code[a.found.code].at(a.muted ? 2 : a.acknowledged.at.ms != 0 ? 1 : 0);
  w.family("apf_monitor_alarms", kGauge, "Alarms that stand, by code and by what people did about them.");
  for (const auto& [code, n] : by_code) {
    w.sample({{"code", code}, {"state", "open"}}, n[0]);
    w.sample({{"code", code}, {"state", "acknowledged"}}, n[1]);
    w.sample({{"code", code}, {"state", "muted"}}, n[2]);
  }
  w.family("apf_monitor_notices_waiting", kGauge, "Notices of alarms that wait, by channel.");
  for (const auto& d : own.deliveries) w.sample({{"channel", d.channel}}, d.stats.waiting);
  w.family("apf_monitor_messages_total", kCounter, "Messages that were sent, by channel.");
  for (const auto& d : own.deliveries) w.sample({{"channel", d.channel}}, d.stats.messages);
  w.family("apf_monitor_message_failures_total", kCounter, "Messages that could not be sent, by channel.");
  for (const auto& d : own.deliveries) w.sample({{"channel", d.channel}}, d.stats.failures);
  w.family("apf_monitor_notices_lost_total", kCounter, "Notices of alarms that were dropped, by channel.");
  for (const auto& d : own.deliveries) w.sample({{"channel", d.channel}}, d.stats.lost);
}

// ---- SLS ----

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
  }
  return out;
}

// What the original's pages coloured: a factory was orange after 20 minutes and red after an hour.
constexpr Duration kLate = seconds{1200};
constexpr Duration kGone = seconds{3600};
constexpr Duration kForgotten = seconds{7 * 86400};

struct Health {
  int percent = 100;
  std::string info;
  [[nodiscard]] const char* status() const {
    return percent >= 100 ? "available" : percent > 0 ? "degraded" : "unavailable";
  }
};

Health of_factory(const FactoryFigures& f, Wall now) {
  const Duration quiet = between(f.seen, now);
  return {quiet < kLate ? 100 : quiet < kGone ? 50 : 0, fmt::format("last heard {}", iso8601(f.seen))};
}

Health of_all(const Snapshot& s, Wall now) {
  int known = 0, well = 0;
  for (const auto& f : s.factories) {
    if (between(f->seen, now) > kForgotten) continue;
    ++known;
    if (of_factory(*f, now).percent == 100) ++well;
  }
  return {known == 0 ? 100 : well * 100 / known, fmt::format("{} of {} factories were heard lately", well, known)};
}

}  // namespace

std::string metrics_text(const Snapshot& figures, const OwnFigures& own) {
  Metrics w;
  w.family("apf_monitor_info", kGauge, "The monitor's version; always 1.");
  w.sample({{"version", APF_VERSION}}, 1);
  w.single("apf_monitor_pilots_stored", kGauge, "Pilots in the store.", figures.pilots);
  w.single("apf_monitor_news_total", kCounter, "News of pilots that were taken.", figures.news);
  w.single("apf_monitor_news_dropped_total", kCounter, "News that were dropped under overload.", figures.dropped);
  w.single("apf_monitor_nodes", kGauge, "Nodes that are known.", figures.nodes.size());
  write_factories(w, figures);
  write_labels(w, figures);
  write_alarms(w, own);
  w.family("apf_monitor_requests_refused_total", kCounter, "Requests that were refused, by reason.");
  w.sample({{"reason", "access"}}, own.access.refused);
  w.sample({{"reason", "rate"}}, own.access.limited);
  w.family("apf_monitor_datagrams_total", kCounter, "Datagrams of pilots, by what became of them.");
  w.sample({{"result", "taken"}}, own.udp.taken);
  w.sample({{"result", "bad"}}, own.udp.bad);
  w.sample({{"result", "dropped"}}, own.udp.dropped);
  const process::Usage self = process::own_usage();
  protocol::write_process_metrics(w, self.cpu_seconds, self.resident_bytes);
  return w.take();
}

std::string sls_text(const Snapshot& figures, const FactoryFigures* factory, const std::string& monitor_url, Wall now) {
  const Health health = factory != nullptr ? of_factory(*factory, now) : of_all(figures, now);
  Live live;
  Flow hour;
  if (factory != nullptr) {
    live = factory->live;
    hour = factory->hour;
  } else {
    for (const auto& f : figures.factories) {
      live.created += f->live.created;
      live.running += f->live.running;
      hour += f->hour;
    }
  }
  std::string out =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
      "<serviceupdate xmlns=\"http://sls.cern.ch/SLS/XML/update\">\n";
  const auto element = [&](const char* name, std::string_view text) {
    if (!text.empty()) out += fmt::format("  <{0}>{1}</{0}>\n", name, xml(text));
  };
  element("id", factory != nullptr ? "PilotFactory_" + factory->name : std::string("PilotFactories"));
  element("availability", std::to_string(health.percent));
  element("status", health.status());
  element("webpage", monitor_url);
  element("contact", factory != nullptr ? factory->email : std::string());
  element("availabilitydesc", "100: heard within 20 minutes; 0: silent for an hour");
  element("availabilityinfo", health.info);
  element("timestamp", iso8601(now));
  out += "  <data>\n";
  const auto value = [&](const char* name, const char* what, std::int64_t n) {
    out += fmt::format("    <numericvalue name=\"{}\" desc=\"{}\">{}</numericvalue>\n", name, what, n);
  };
  value("pending", "pilots that wait", live.created);
  value("running", "pilots that run", live.running);
  value("created", "pilots created within an hour", hour.created);
  value("done", "pilots done within an hour", hour.done);
  value("fault", "pilots in fault within an hour", hour.fault);
  return out + "  </data>\n</serviceupdate>\n";
}

void add_metrics(Router& router, const std::function<SnapshotPtr()>& figures, std::function<OwnFigures()> own,
                 const std::string& monitor_url) {
  router.add("GET", "/metrics", [figures, own = std::move(own)](const net::Request&, const net::ReplyPtr& reply) {
    net::Response r;
    r.type = "text/plain; version=0.0.4; charset=utf-8";
    r.body = metrics_text(*figures(), own());
    reply->send(std::move(r));
  });
  router.add("GET", "/sls.xml", [figures, monitor_url](const net::Request& request, const net::ReplyPtr& reply) {
    const SnapshotPtr now = figures();
    const auto asked = request.query.find("factory");
    const FactoryFigures* factory =
        asked == request.query.end() ? nullptr : now->factory(std::string_view(asked->second));
    if (asked != request.query.end() && factory == nullptr)
      return reply->send(problem(404, "monitor.no_such_factory", "there is no such factory"));
    net::Response r;
    r.type = "application/xml; charset=utf-8";
    r.body = sls_text(*now, factory, monitor_url, wall_now());
    reply->send(std::move(r));
  });
}

}  // namespace apf::monitor
