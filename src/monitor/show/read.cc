#include "monitor/show/read.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "monitor/router.h"
#include "monitor/show/read_json.h"
#include "monitor/store/history.h"
#include "monitor/store/keys.h"
#include "monitor/store/pilots.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using net::ReplyPtr;
using net::Request;
using net::Response;
using nlohmann::json;
namespace json_value = protocol::json_value;

constexpr std::size_t kMostFound = 50;  // of a kind, in a search
constexpr std::size_t kMostRows = 500;  // of pilots, in an answer
constexpr std::size_t kMostNodes = 200;
constexpr std::size_t kMostAnswers = 500;  // that are kept

std::int64_t asked_number(const Request& r, const char* name, std::int64_t otherwise) {
  const std::string text = asked(r, name);
  std::int64_t value = otherwise;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

Response good(std::string body) {
  Response response;
  response.headers["Cache-Control"] = "no-store";
  response.body = std::move(body);
  return response;
}

Response unknown(const char* what) { return problem(404, "monitor.unknown", what); }
Response bad(const char* what) { return problem(400, "monitor.bad_query", what); }
Response broken(const Error& e) { return problem(e.kind == Kind::transient ? 503 : 500, e.code, e.what); }

// Answers of one snapshot, so that thousands of pages that ask for the same cost one reading of the store. An answer is
// made after its snapshot was taken, so it is at least as new as that; what comes later comes with another version.
class Answers {
 public:
  // The answer, when it is there. Nothing and true: the caller makes it, and gives it to finish(); nothing and false:
  // somebody does already, and finish() gives the caller's `reply` with the others.
  std::pair<std::optional<std::string>, bool> find(const std::string& what, std::uint64_t version,
                                                   const ReplyPtr& reply) {
    const std::lock_guard lock(mutex_);
    const auto it = kept_.find(what);
    if (version == version_ && it != kept_.end()) return {it->second, false};
    const auto [making, first] = making_.try_emplace({version, what});
    if (!first) making->second.push_back(reply);
    return {std::nullopt, first};
  }
  // Those that wait for it, too.
  std::vector<ReplyPtr> finish(const std::string& what, std::uint64_t version, const Response& response) {
    if (response.status == 200) keep(what, version, response.body);
    const std::lock_guard lock(mutex_);
    auto waiting = making_.extract({version, what});
    return waiting ? std::move(waiting.mapped()) : std::vector<ReplyPtr>();
  }

 private:
  void keep(const std::string& what, std::uint64_t version, const std::string& body) {
    const std::lock_guard lock(mutex_);
    if (version != version_ || kept_.size() >= kMostAnswers) kept_.clear();
    version_ = version;
    kept_[what] = body;
  }

  std::mutex mutex_;
  std::map<std::pair<std::uint64_t, std::string>, std::vector<ReplyPtr>> making_;  // guarded by mutex_; who waits
  std::uint64_t version_ = 0;                                                      // guarded by mutex_
  std::unordered_map<std::string, std::string> kept_;                              // guarded by mutex_
};

class Read {
 public:
  explicit Read(Parts& parts) : parts_(parts) {}

  // Takes its time; `keep`: the answer is that of others who ask the same of this snapshot.
  using Make = std::function<Response(db::Db&, const Snapshot&, const Request&)>;
  void later(const Request& request, const ReplyPtr& reply, Make make, bool keep) {
    std::string what = request.path;
    for (const auto& [name, value] : request.query) what += "\n" + name + "=" + value;
    const SnapshotPtr now = parts_.board.get();
    if (keep) {
      auto [kept, ours] = answers_.find(what, now->version, reply);
      if (kept) return reply->send(good(std::move(*kept)));
      if (!ours) return;
    }
    const auto give = [this, now, what, reply, keep](Response response) {
      if (keep)
        for (const ReplyPtr& other : answers_.finish(what, now->version, response)) other->send(response);
      reply->send(std::move(response));
    };
    const bool taken =
        parts_.readers.run([now, request, give, make = std::move(make)](db::Db& db) { give(make(db, *now, request)); });
    if (!taken) give(problem(503, "monitor.busy", "too many questions are waiting; try again later"));
  }
  [[nodiscard]] SnapshotPtr now() const { return parts_.board.get(); }

 private:
  Parts& parts_;
  Answers answers_;
};

Response overview(db::Db&, const Snapshot& now, const Request& r) {
  const std::string name = asked(r, "factory");
  if (name.empty()) return good(json_value::dump(overview_json(now, 0, 0)));
  const auto* factory = now.factory(name);
  if (factory == nullptr) return unknown("no factory of this name has reported");
  return good(json_value::dump(overview_json(now, 0, factory->no)));
}

Response label_page(const Snapshot& now, const Request& r, const Links& links) {
  const auto* label = now.label(asked(r, "factory"), asked(r, "name"));
  if (label == nullptr) return unknown("this factory has no label of this name");
  return good(json_value::dump(label_page_json(*label, now, links)));
}

struct Range {
  std::string_view name;
  std::int64_t minutes;
  Width width;
  std::int64_t together = 1;  // so many make a row of the answer
};
constexpr std::array kRanges{
    Range{"1h", 60, Width::step},       Range{"12h", 720, Width::step},      Range{"1d", 1440, Width::step},
    Range{"1w", 7 * 1440, Width::hour}, Range{"1m", 31 * 1440, Width::hour}, Range{"1y", 366 * 1440, Width::hour, 24},
};

Response label_history(db::Db& db, const Snapshot& now, const Request& r) {
  const auto* label = now.label(asked(r, "factory"), asked(r, "name"));
  if (label == nullptr) return unknown("this factory has no label of this name");
  const std::string name = asked(r, "range");
  const auto* range = std::find_if(kRanges.begin(), kRanges.end(), [&](const Range& x) { return x.name == name; });
  if (range == kRanges.end()) return bad("range must be 1h, 12h, 1d, 1w, 1m or 1y");
  const std::int64_t step = static_cast<std::int64_t>(range->width) * 60'000 * range->together;
  const std::int64_t to = wall_now().ms + 1, from = to - range->minutes * 60'000;
  const std::int64_t first = range->together > 1 ? from - from % step : from;  // whole ones only
  const auto rows = history(db, label->no, range->width, Wall{first}, Wall{to});
  if (!rows) return broken(rows.error());
  return good(json_value::dump({{"from", first},
                                {"to", to},
                                {"step", step},
                                {"rows", history_json(range->together > 1 ? in_steps_of(*rows, step) : *rows)}}));
}

Response pilots_of_node(db::Db& db, const Snapshot& now, const std::string& name) {
  const auto* node = now.node(name);
  if (node == nullptr) return unknown("no pilot has told of this node");
  json rows = json::array();
  for (const PilotKey key : node->pilots) {
    const auto pilot = find_pilot(db, key);
    if (!pilot) return broken(pilot.error());
    if (*pilot) rows.push_back(pilot_json(**pilot, now));
  }
  return good(json_value::dump({{"pilots", std::move(rows)}, {"next", nullptr}}));
}

Response pilots(db::Db& db, const Snapshot& now, const Request& r) {
  if (const std::string node = asked(r, "node"); !node.empty()) return pilots_of_node(db, now, node);
  PilotFilter filter;
  const auto* factory = now.factory(asked(r, "factory"));
  if (factory == nullptr) return unknown("no factory of this name has reported");
  if (const std::string name = asked(r, "label"); !name.empty()) {
    const auto* label = now.label(factory->name, name);
    if (label == nullptr) return unknown("this factory has no label of this name");
    filter.label = label->no;
  } else {
    filter.factory = factory->no;
  }
  if (const std::string state = asked(r, "state"); !state.empty()) {
    filter.state = read_state(state);
    if (!filter.state) return bad("state must be created, running, exiting, stale, done or fault");
  }
  if (filter.label == 0 && filter.state) filter.labels = now.labels_with(filter.factory, *filter.state);
  filter.before = asked_number(r, "before", INT64_MAX);
  filter.limit = std::clamp<std::int64_t>(asked_number(r, "limit", 50), 1, kMostRows);
  const auto found = list_pilots(db, filter);
  if (!found) return broken(found.error());
  json rows = json::array(), next;
  for (const Pilot& p : *found) rows.push_back(pilot_json(p, now));
  // As text: it is more than a JavaScript number holds.
  if (static_cast<std::int64_t>(found->size()) == filter.limit) next = std::to_string(found->back().key);
  return good(json_value::dump({{"pilots", std::move(rows)}, {"next", std::move(next)}}));
}

Response pilot(db::Db& db, const Snapshot& now, const Request& r, const Links& links) {
  const auto* factory = now.factory(asked(r, "factory"));
  if (factory == nullptr) return unknown("no factory of this name has reported");
  const auto found = find_pilot(db, factory->no, asked(r, "id"));
  if (!found) return broken(found.error());
  if (!*found) return unknown("no pilot of this id is known; it may have been deleted");
  return good(json_value::dump(pilot_page_json(**found, now, links)));
}

Response nodes(db::Db&, const Snapshot& now, const Request&) {
  std::vector<const NodeFigures*> rows;
  for (const auto& n : now.nodes) rows.push_back(n.get());
  const auto worse = [](const NodeFigures* a, const NodeFigures* b) {
    return std::tuple(a->hour.fault, a->fault_run, a->seen.ms) > std::tuple(b->hour.fault, b->fault_run, b->seen.ms);
  };
  const std::size_t most = std::min(rows.size(), kMostNodes);
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end(), worse);
  json out = json::array();
  for (std::size_t i = 0; i < most; ++i) out.push_back(node_json(*rows[i], now));
  return good(json_value::dump({{"nodes", std::move(out)}, {"of", now.nodes.size()}}));
}

Response node_page(const Snapshot& now, const Request& r) {
  const auto* node = now.node(asked(r, "name"));
  if (node == nullptr) return unknown("no pilot has told of this node");
  json j = node_json(*node, now);
  j["version"] = now.version;
  j["at"] = iso8601(now.at);
  return good(json_value::dump(j));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Response search(db::Db& db, const Snapshot& now, const Request& r) {
  const std::string text = asked(r, "q"), low = lower(text);
  if (text.empty()) return bad("q must be what to look for");
  const auto like = [&](std::string_view name) { return lower(name).find(low) != std::string::npos; };
  json factories = json::array(), labels = json::array(), found_nodes = json::array(), found_pilots = json::array();
  for (const auto& f : now.factories) {
    if (factories.size() < kMostFound && (like(f->name) || like(f->email))) factories.push_back(factory_json(*f));
    if (found_pilots.size() >= kMostFound) continue;
    const auto found = find_pilot(db, f->no, text);
    if (!found) return broken(found.error());
    if (*found) found_pilots.push_back(pilot_json(**found, now));
  }
  for (const auto& l : now.labels) {
    if (labels.size() >= kMostFound) break;
    if (like(l->name) || like(l->wms_queue) || like(l->batch_queue) || like(l->site)) labels.push_back(label_json(*l));
  }
  for (const auto& n : now.nodes) {
    if (found_nodes.size() >= kMostFound) break;
    if (like(n->name)) found_nodes.push_back(node_json(*n, now));
  }
  return good(json_value::dump({{"factories", std::move(factories)},
                                {"labels", std::move(labels)},
                                {"nodes", std::move(found_nodes)},
                                {"pilots", std::move(found_pilots)},
                                {"most", kMostFound}}));
}

}  // namespace

void add_read(Router& router, Parts& parts) {
  const auto read = std::make_shared<Read>(parts);
  const auto later = [&](const char* path, Read::Make make, bool keep = true) {
    router.add("GET", path, [read, make = std::move(make), keep](const Request& request, const ReplyPtr& reply) {
      read->later(request, reply, make, keep);
    });
  };
  const auto at_once = [&](const char* path, auto make) {
    router.add("GET", path, [read, make](const Request& request, const ReplyPtr& reply) {
      reply->send(make(*read->now(), request));
    });
  };
  later("/api/v1/overview", overview);
  later("/api/v1/history", label_history, false);  // it moves with time, and is written without a new snapshot
  later("/api/v1/pilots", pilots);
  const Links& links = parts.links;
  later("/api/v1/pilot",
        [&links](db::Db& db, const Snapshot& now, const Request& r) { return pilot(db, now, r, links); });
  later("/api/v1/nodes", nodes);
  later("/api/v1/search", search);
  at_once("/api/v1/label", [&links](const Snapshot& now, const Request& r) { return label_page(now, r, links); });
  at_once("/api/v1/node", node_page);
}

}  // namespace apf::monitor
