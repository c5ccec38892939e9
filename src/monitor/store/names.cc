#include "monitor/store/names.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include "monitor/store/keys.h"

namespace apf::monitor {
namespace {

std::string label_name(FactoryNo factory, const std::string& name) { return std::to_string(factory) + " " + name; }

// The lowest number that nobody has: those of forgotten ones are used again, as their pilots have gone before.
template <class Map>
std::uint32_t free_number(const Map& map) {
  if (map.empty()) return 1;
  const std::uint32_t after = map.rbegin()->first + 1;
  if (after == map.size() + 1) return after;
  std::uint32_t no = 1;
  for (const auto& [taken, unused] : map)
    if (taken != no)
      break;
    else
      ++no;
  return no;
}

template <class Map, class Numbers>
auto* make(Map& map, Numbers& numbers, const std::string& key, const std::string& name, Wall now,
           std::vector<std::uint32_t>& made) {
  const std::uint32_t no = free_number(map);
  auto& known = map[no];
  known.figures.no = no;
  known.figures.name = name;
  known.figures.made = known.figures.seen = now;
  numbers.emplace(key, no);
  made.push_back(no);
  return &known;
}

template <class Map>
auto* find(Map& map, std::uint32_t no) {
  const auto it = map.find(no);
  return it == map.end() ? nullptr : &it->second;
}

constexpr std::string_view kSaveFactory =
    "INSERT INTO factory(no, name, version, email, url, type, address, made, seen, last_startup, last_cycle, "
    "credential_ends) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (no) DO UPDATE SET "
    "name = excluded.name, version = excluded.version, email = excluded.email, url = excluded.url, "
    "type = excluded.type, address = excluded.address, made = excluded.made, seen = excluded.seen, "
    "last_startup = excluded.last_startup, last_cycle = excluded.last_cycle, "
    "credential_ends = excluded.credential_ends";
constexpr std::string_view kSaveLabel =
    "INSERT INTO label(no, factory, name, wms_queue, batch_queue, site, cloud, made, seen, messages) VALUES ($1, $2, "
    "$3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (no) DO UPDATE SET factory = excluded.factory, "
    "name = excluded.name, wms_queue = excluded.wms_queue, batch_queue = excluded.batch_queue, site = excluded.site, "
    "cloud = excluded.cloud, made = excluded.made, seen = excluded.seen, messages = excluded.messages";
constexpr std::string_view kSaveNode =
    "INSERT INTO node(no, name, made, seen, profile) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (no) DO UPDATE SET "
    "name = excluded.name, made = excluded.made, seen = excluded.seen, profile = excluded.profile";

template <class Numbers>
Status remove_rows(db::Db& db, std::string_view sql, const Numbers& numbers) {
  std::vector<db::Values> values;
  for (const auto no : numbers) values.push_back({std::int64_t{no}});
  return db.run_all(sql, values);
}

}  // namespace

std::string write_messages(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& m : messages) text += std::to_string(m.at.ms) + "\t" + m.text + "\n";
  return text;
}

std::vector<Message> read_messages(const std::string& text) {
  std::vector<Message> messages;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t tab = std::min(line.find('\t'), line.size());
    Message m;
    std::from_chars(line.data(), line.data() + tab, m.at.ms);
    m.text = line.substr(std::min(tab + 1, line.size()));
    messages.push_back(std::move(m));
  }
  return messages;
}

Status Names::load(db::Db& db) {
  auto ok = db.run(
      "SELECT no, name, version, email, url, type, address, made, seen, last_startup, last_cycle, credential_ends FROM "
      "factory",
      {}, [&](const db::Row& row) {
        FactoryFigures f;
        f.no = static_cast<FactoryNo>(row.integer(0));
        f.name = row.text(1);
        f.version = row.text(2);
        f.email = row.text(3);
        f.url = row.text(4);
        f.type = row.text(5);
        f.address = row.text(6);
        f.made.ms = row.integer(7);
        f.seen.ms = row.integer(8);
        f.last_startup.ms = row.integer(9);
        f.last_cycle.ms = row.integer(10);
        f.credential_ends.ms = row.integer(11);
        factory_numbers_[f.name] = f.no;
        factories[f.no].figures = std::move(f);
      });
  if (!ok) return ok;
  ok = db.run("SELECT no, factory, name, wms_queue, batch_queue, site, cloud, made, seen, messages FROM label", {},
              [&](const db::Row& row) {
                LabelFigures l;
                l.no = static_cast<LabelNo>(row.integer(0));
                l.factory = static_cast<FactoryNo>(row.integer(1));
                l.name = row.text(2);
                l.wms_queue = row.text(3);
                l.batch_queue = row.text(4);
                l.site = row.text(5);
                l.cloud = row.text(6);
                l.made.ms = row.integer(7);
                l.seen.ms = row.integer(8);
                l.messages = read_messages(row.text(9));
                if (auto* factory = find_factory(l.factory)) {
                  l.factory_name = factory->figures.name;
                  ++factory->figures.labels;
                }
                label_numbers_[label_name(l.factory, l.name)] = l.no;
                labels[l.no].figures = std::move(l);
              });
  if (!ok) return ok;
  return db.run("SELECT no, name, made, seen, profile FROM node", {}, [&](const db::Row& row) {
    NodeFigures n;
    n.no = static_cast<NodeNo>(row.integer(0));
    n.name = row.text(1);
    n.made.ms = row.integer(2);
    n.seen.ms = row.integer(3);
    n.profile = row.text(4);
    node_numbers_[n.name] = n.no;
    nodes[n.no].figures = std::move(n);
  });
}

KnownFactory* Names::factory(const std::string& name, Wall now) {
  if (const auto it = factory_numbers_.find(name); it != factory_numbers_.end()) return find_factory(it->second);
  if (factories.size() >= std::min<std::size_t>(limits_.factories, kMostFactories)) return nullptr;
  KnownFactory* factory = make(factories, factory_numbers_, name, name, now, made_factories_);
  dirty.factories.insert(factory->figures.no);
  changed.factories.insert(factory->figures.no);
  return factory;
}

KnownLabel* Names::label(FactoryNo factory, const std::string& name, Wall now) {
  const std::string key = label_name(factory, name);
  if (const auto it = label_numbers_.find(key); it != label_numbers_.end()) return find_label(it->second);
  if (labels.size() >= limits_.labels) return nullptr;
  KnownLabel* label = make(labels, label_numbers_, key, name, now, made_labels_);
  label->figures.factory = factory;
  if (KnownFactory* of = find_factory(factory)) {
    label->figures.factory_name = of->figures.name;
    ++of->figures.labels;
    changed.factories.insert(factory);
  }
  dirty.labels.insert(label->figures.no);
  changed.labels.insert(label->figures.no);
  return label;
}

KnownNode* Names::node(const std::string& name, Wall now) {
  if (const auto it = node_numbers_.find(name); it != node_numbers_.end()) return find_node(it->second);
  if (nodes.size() >= limits_.nodes) return nullptr;
  KnownNode* node = make(nodes, node_numbers_, name, name, now, made_nodes_);
  dirty.nodes.insert(node->figures.no);
  changed.nodes.insert(node->figures.no);
  return node;
}

KnownFactory* Names::find_factory(FactoryNo no) { return find(factories, no); }
KnownFactory* Names::find_factory(const std::string& name) {
  const auto it = factory_numbers_.find(name);
  return it == factory_numbers_.end() ? nullptr : find_factory(it->second);
}
KnownLabel* Names::find_label(LabelNo no) { return find(labels, no); }
KnownNode* Names::find_node(NodeNo no) { return find(nodes, no); }

Status Names::save(db::Db& db) {
  std::vector<db::Values> rows;
  for (const FactoryNo no : dirty.factories) {
    const FactoryFigures& f = factories[no].figures;
    rows.push_back({std::int64_t{no}, std::string_view(f.name), std::string_view(f.version), std::string_view(f.email),
                    std::string_view(f.url), std::string_view(f.type), std::string_view(f.address), f.made.ms,
                    f.seen.ms, f.last_startup.ms, f.last_cycle.ms, f.credential_ends.ms});
  }
  if (auto ok = db.run_all(kSaveFactory, rows); !ok) return ok;
  rows.clear();
  std::deque<std::string> texts;
  for (const LabelNo no : dirty.labels) {
    const LabelFigures& l = labels[no].figures;
    rows.push_back({std::int64_t{no}, std::int64_t{l.factory}, std::string_view(l.name), std::string_view(l.wms_queue),
                    std::string_view(l.batch_queue), std::string_view(l.site), std::string_view(l.cloud), l.made.ms,
                    l.seen.ms, std::string_view(texts.emplace_back(write_messages(l.messages)))});
  }
  if (auto ok = db.run_all(kSaveLabel, rows); !ok) return ok;
  rows.clear();
  for (const NodeNo no : dirty.nodes) {
    const NodeFigures& n = nodes[no].figures;
    rows.push_back({std::int64_t{no}, std::string_view(n.name), n.made.ms, n.seen.ms, std::string_view(n.profile)});
  }
  return db.run_all(kSaveNode, rows);
}

void Names::saved() {
  made_factories_.clear();
  made_labels_.clear();
  made_nodes_.clear();
  for (const FactoryNo no : dirty.factories) factories[no].saved = factories[no].figures.seen;
  for (const LabelNo no : dirty.labels) labels[no].saved = labels[no].figures.seen;
  dirty = {};
}

void Names::drop_factory(FactoryNo no) {
  factory_numbers_.erase(factories[no].figures.name);
  factories.erase(no);
  dirty.factories.erase(no);
  changed.factories.erase(no);
}

void Names::drop_label(LabelNo no) {
  const LabelFigures& l = labels[no].figures;
  label_numbers_.erase(label_name(l.factory, l.name));
  if (auto* factory = find_factory(l.factory)) {
    --factory->figures.labels;
    changed.factories.insert(l.factory);
  }
  labels.erase(no);
  dirty.labels.erase(no);
  changed.labels.erase(no);
}

void Names::drop_node(NodeNo no) {
  node_numbers_.erase(nodes[no].figures.name);
  nodes.erase(no);
  dirty.nodes.erase(no);
  changed.nodes.erase(no);
}

void Names::undo() {
  for (const NodeNo no : made_nodes_) drop_node(no);
  for (const LabelNo no : made_labels_) drop_label(no);
  for (const FactoryNo no : made_factories_) drop_factory(no);
  made_factories_.clear();
  made_labels_.clear();
  made_nodes_.clear();
}

Status Names::remove(db::Db& db, const Marks& which) {
  if (auto ok = remove_rows(db, "DELETE FROM history WHERE label = $1", which.labels); !ok) return ok;
  if (auto ok = remove_rows(db, "DELETE FROM label WHERE no = $1", which.labels); !ok) return ok;
  if (auto ok = remove_rows(db, "DELETE FROM factory WHERE no = $1", which.factories); !ok) return ok;
  return remove_rows(db, "DELETE FROM node WHERE no = $1", which.nodes);
}

void Names::drop(const Marks& which) {
  for (const LabelNo no : which.labels) drop_label(no);
  for (const FactoryNo no : which.factories) drop_factory(no);
  for (const NodeNo no : which.nodes) drop_node(no);
}

}  // namespace apf::monitor
