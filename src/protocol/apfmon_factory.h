// What a factory tells an APFMon server of itself, its queues ("labels") and its new pilots; apfmon.h has the states of
// pilots.
//
// Protocol, as AutoPyFactory 2.4 sent it (captured; docs/autopyfactory.md): JSON bodies under
//   PUT  <APFMON>/factories/<factory>          {"url", "version", "email"}
//   PUT  <APFMON>/labels                       [{"name", "factory", "wmsqueue", "batchqueue", "resource",
//   "localqueue"}] PUT  <APFMON>/jobs                         [{"cid", "factory", "label"}]
// and a form under
//   POST <APFMON>/labels/<factory>:<label>     status=<the decision in one line>
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>

namespace apf::protocol::apfmon {

struct Factory {
  std::string id, url, version, email;
};
std::string factory_path(const std::string& id);
std::string write_factory(const Factory& factory);

struct Label {
  std::string name, factory, wms_queue, batch_queue, resource;
};
std::string label_path(const std::string& factory, const std::string& label);
std::string write_labels(std::span<const Label> labels);
std::string write_label_status(const std::string& text);

struct NewPilot {
  std::string batch_id, factory, label;
};
std::string write_pilots(std::span<const NewPilot> pilots);

}  // namespace apf::protocol::apfmon
