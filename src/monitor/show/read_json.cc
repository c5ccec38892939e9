#include "monitor/show/read_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
using protocol::json_value::time;

constexpr std::size_t kFailingNodes = 20;

json live(const Live& l) {
  return {{"created", l.created}, {"running", l.running}, {"exiting", l.exiting}, {"stale", l.stale}, {"held", l.held}};
}

json flow(const Flow& f) {
  return {{"created", f.created}, {"started", f.started},     {"done", f.done}, {"fault", f.fault},
          {"empty", f.empty},     {"unstarted", f.unstarted}, {"held", f.held}, {"seconds_ran", f.seconds_ran}};
}

json created_of(const std::vector<Flow>& steps) {
  json out = json::array();
  for (const Flow& f : steps) out.push_back(f.created);
  return out;
}

// A link that a page may show: other schemes than these could run as scripts.
json link(const std::string& url) {
  return url.starts_with("http://") || url.starts_with("https://") ? json(url) : json();
}

// Of each of "1,2": its id, and its page where one is configured.
json payload_links(std::string_view ids, const Links& links) {
  json out = json::array();
  while (!ids.empty()) {
    const std::string id(ids.substr(0, ids.find(',')));
    ids.remove_prefix(std::min(ids.size(), id.size() + 1));
    if (!id.empty()) out.push_back({{"id", id}, {"url", link(links.payload(id))}});
  }
  return out;
}

json failing_nodes(const LabelFigures& l, const Snapshot& all) {
  std::vector<const NodeFigures*> failing;
  for (const auto& n : all.nodes) {
    const bool here = std::find(n->labels.begin(), n->labels.end(), l.no) != n->labels.end();
    if (here && (n->hour.fault > 0 || n->fault_run > 0)) failing.push_back(n.get());
  }
  std::sort(failing.begin(), failing.end(), [](const NodeFigures* a, const NodeFigures* b) {
    return std::pair(a->hour.fault, a->fault_run) > std::pair(b->hour.fault, b->fault_run);
  });
  if (failing.size() > kFailingNodes) failing.resize(kFailingNodes);
  json out = json::array();
  for (const NodeFigures* n : failing) out.push_back(node_json(*n, all));
  return out;
}

}  // namespace

json factory_json(const FactoryFigures& f) {
  return {{"name", f.name},
          {"version", f.version},
          {"email", f.email},
          {"url", link(f.url)},
          {"type", f.type},
          {"address", f.address},
          {"made", time(f.made)},
          {"seen", time(f.seen)},
          {"last_startup", time(f.last_startup)},
          {"last_cycle", time(f.last_cycle)},
          {"credential_ends", time(f.credential_ends)},
          {"labels", f.labels},
          {"live", live(f.live)},
          {"hour", flow(f.hour)},
          {"day", flow(f.day)},
          {"recent", created_of(f.recent)}};
}

json label_json(const LabelFigures& l) {
  json j = {{"factory", l.factory_name},
            {"name", l.name},
            {"wms_queue", l.wms_queue},
            {"batch_queue", l.batch_queue},
            {"site", l.site},
            {"cloud", l.cloud},
            {"live", live(l.live)},
            {"hour", flow(l.hour)},
            {"day", flow(l.day)},
            {"recent", created_of(l.recent)},
            {"seen", time(l.seen)},
            {"last_created", time(l.last_created)},
            {"last_started", time(l.last_started)},
            {"last_ended", time(l.last_ended)},
            {"fault_run", l.fault_run},
            {"message", nullptr}};
  if (!l.messages.empty()) j["message"] = {{"at", time(l.messages[0].at)}, {"text", l.messages[0].text}};
  return j;
}

json node_json(const NodeFigures& n, const Snapshot& all) {
  json labels = json::array();
  for (const LabelNo no : n.labels) {
    if (const auto* l = all.label(no)) labels.push_back({{"factory", l->factory_name}, {"name", l->name}});
  }
  json profile = json::parse(n.profile, nullptr, false);
  return {{"name", n.name},
          {"made", time(n.made)},
          {"seen", time(n.seen)},
          {"hour", flow(n.hour)},
          {"day", flow(n.day)},
          {"fault_run", n.fault_run},
          {"running", n.running},
          {"last_failure", n.last_failure},
          {"last_reason", n.last_reason},
          {"profile", profile.is_discarded() ? json() : std::move(profile)},
          {"labels", std::move(labels)}};
}

json label_page_json(const LabelFigures& l, const Snapshot& all, const Links& links) {
  json j = label_json(l);
  json messages = json::array();
  for (const Message& m : l.messages) messages.push_back({{"at", time(m.at)}, {"text", m.text}});
  j["messages"] = std::move(messages);
  j["nodes"] = failing_nodes(l, all);
  j["links"] = {{"queue", link(links.queue(l.wms_queue))}, {"site", link(links.site(l.site))}};
  j["version"] = all.version;
  j["at"] = iso8601(all.at);
  return j;
}

json pilot_json(const Pilot& p, const Snapshot& all) {
  const auto* factory = all.factory(p.factory);
  const auto* label = all.label(p.label);
  const auto* node = all.node(p.node);
  return {{"factory", factory != nullptr ? factory->name : ""},
          {"label", label != nullptr ? label->name : ""},
          {"id", p.id},
          {"state", name(p.state)},
          {"aged", p.aged},
          {"held", p.held ? json(*p.held) : json()},
          {"created", time(p.created)},
          {"running", time(p.running)},
          {"exiting", time(p.exiting)},
          {"ended", time(p.ended)},
          {"seen", time(p.seen)},
          {"rc", p.rc ? json(*p.rc) : json()},
          {"payloads", p.payloads ? json(*p.payloads) : json()},
          {"work", name(p.work())},
          {"node", node != nullptr ? json(node->name) : json()},
          {"failure", p.failure},
          {"reason", p.reason}};
}

json pilot_page_json(const Pilot& p, const Snapshot& all, const Links& links) {
  json j = pilot_json(p, all);
  json line = json::array(), details = json::object(), files = json::object();
  for (const Moment& m : p.line)
    line.push_back({{"at", time(m.at)}, {"state", name(m.state)}, {"source", m.source}, {"text", m.text}});
  for (const Detail& d : p.details) {
    if (const json url = link(d.value); !url.is_null())
      files[d.name] = url;
    else
      details[d.name] = d.value;
  }
  j["line"] = std::move(line);
  j["details"] = std::move(details);
  j["links"] = std::move(files);
  j["submission"] = p.submission;
  j["index"] = p.index ? json(*p.index) : json();
  j["payload_ids"] = p.payload_ids;
  j["payload_links"] = payload_links(p.payload_ids, links);
  const auto* node = all.node(p.node);
  j["node_facts"] = node != nullptr ? node_json(*node, all) : json();
  j["version"] = all.version;
  j["at"] = iso8601(all.at);
  return j;
}

json history_json(const std::vector<HistoryRow>& rows) {
  json out = json::array();
  for (const HistoryRow& r : rows) out.push_back({{"at", r.at.ms}, {"flow", flow(r.flow)}, {"live", live(r.live)}});
  return out;
}

json snapshot_json(const Snapshot& all) {
  return {{"at", iso8601(all.at)},
          {"version", all.version},
          {"pilots", all.pilots},
          {"news", all.news},
          {"dropped", all.dropped}};
}

json overview_json(const Snapshot& all, std::uint64_t since, FactoryNo factory) {
  json j = snapshot_json(all), factories = json::array(), labels = json::array();
  for (const auto& f : all.factories)
    if (f->changed > since && (factory == 0 || f->no == factory)) factories.push_back(factory_json(*f));
  for (const auto& l : all.labels)
    if (l->changed > since && (factory == 0 || l->factory == factory)) labels.push_back(label_json(*l));
  j["factories"] = std::move(factories);
  j["labels"] = std::move(labels);
  return j;
}

}  // namespace apf::monitor
