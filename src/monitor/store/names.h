// Factories, labels and nodes that are known, by number and by name, with their figures as they grow. The writer's.
//
// Thread-safety: none; the writer's thread owns it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/db.h"
#include "monitor/figures.h"

namespace apf::monitor {

struct Limits {
  std::size_t factories = 10'000, labels = 50'000, nodes = 100'000;
};

// One that is known: its facts and counters in `figures`; what is derived of them (hour, day, recent) only in
// snapshots.
template <class Figures>
struct Known {
  Figures figures;
  Activity activity;
  Wall saved;                            // its `seen` as the row has it
  std::shared_ptr<const Figures> shown;  // in the last snapshot
};
using KnownFactory = Known<FactoryFigures>;
using KnownLabel = Known<LabelFigures>;
using KnownNode = Known<NodeFigures>;

struct Marks {
  std::set<FactoryNo> factories;
  std::set<LabelNo> labels;
  std::set<NodeNo> nodes;
};

class Names {
 public:
  explicit Names(const Limits& limits = {}) : limits_(limits) {}
  Status load(db::Db& db);

  // Make what is not known. Null when there are too many already.
  KnownFactory* factory(const std::string& name, Wall now);
  KnownLabel* label(FactoryNo factory, const std::string& name, Wall now);
  KnownNode* node(const std::string& name, Wall now);
  [[nodiscard]] KnownFactory* find_factory(FactoryNo no);
  [[nodiscard]] KnownFactory* find_factory(const std::string& name);
  [[nodiscard]] KnownLabel* find_label(LabelNo no);
  [[nodiscard]] KnownNode* find_node(NodeNo no);

  Status save(db::Db& db);  // rows of those that are dirty
  void saved();             // they are committed
  void undo();              // the transaction failed: forgets those that were made in it
  // Takes them out of the store, and, once that is committed, out of memory.
  static Status remove(db::Db& db, const Marks& which);
  void drop(const Marks& which);

  std::map<FactoryNo, KnownFactory> factories;
  std::map<LabelNo, KnownLabel> labels;
  std::map<NodeNo, KnownNode> nodes;
  Marks dirty;    // their rows are to be written
  Marks changed;  // since the last snapshot

 private:
  void drop_factory(FactoryNo no);
  void drop_label(LabelNo no);
  void drop_node(NodeNo no);

  Limits limits_;
  std::unordered_map<std::string, FactoryNo> factory_numbers_;
  std::unordered_map<std::string, LabelNo> label_numbers_;  // by "<factory number> <name>"
  std::unordered_map<std::string, NodeNo> node_numbers_;
  std::vector<FactoryNo> made_factories_;  // in the open transaction
  std::vector<LabelNo> made_labels_;
  std::vector<NodeNo> made_nodes_;
};

// A label's messages as one text: lines of time, tab, message.
std::string write_messages(const std::vector<Message>& messages);
std::vector<Message> read_messages(const std::string& text);

}  // namespace apf::monitor
