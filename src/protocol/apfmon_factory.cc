#include "protocol/apfmon_factory.h"

#include <array>
#include <nlohmann/json.hpp>

#include "protocol/form.h"
#include "protocol/json_value.h"

namespace apf::protocol::apfmon {
namespace {

using nlohmann::json;

using json_value::dump;

}  // namespace

std::string factory_path(const std::string& id) { return "/factories/" + escape(id); }

std::string write_factory(const Factory& f) {
  return dump({{"url", f.url}, {"version", f.version}, {"email", f.email}});
}

std::string label_path(const std::string& factory, const std::string& label) {
  return "/labels/" + escape(factory) + ":" + escape(label);
}

std::string write_labels(std::span<const Label> labels) {
  json list = json::array();
  for (const Label& l : labels)
    list.push_back({{"name", l.name},
                    {"factory", l.factory},
                    {"wmsqueue", l.wms_queue},
                    {"batchqueue", l.batch_queue},
                    {"resource", l.resource},
                    {"localqueue", ""}});
  return dump(list);
}

std::string write_label_status(const std::string& text) {
  const std::array<FormField, 1> form = {FormField{"status", text}};
  return write_form(form);
}

std::string write_pilots(std::span<const NewPilot> pilots) {
  json list = json::array();
  for (const NewPilot& p : pilots) list.push_back({{"cid", p.batch_id}, {"factory", p.factory}, {"label", p.label}});
  return dump(list);
}

}  // namespace apf::protocol::apfmon
