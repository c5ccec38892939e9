#include "protocol/prometheus.h"

#include <fmt/format.h>

#include <iterator>

namespace apf::protocol {

void MetricsWriter::family(const char* name, Type type, const char* help) {
  name_ = name;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                 type == Type::gauge ? "gauge" : "counter");
}

void MetricsWriter::put(std::initializer_list<Label> labels, std::int64_t value) {
  begin(labels);
  fmt::format_to(std::back_inserter(out_), " {}\n", value);
}

void MetricsWriter::put(std::initializer_list<Label> labels, double value) {
  begin(labels);
  fmt::format_to(std::back_inserter(out_), " {}\n", value);
}

void MetricsWriter::begin(std::initializer_list<Label> labels) {
  out_ += name_;
  char before = '{';
  for (const auto& [label, text] : labels) {
    out_ += before;
    out_ += label;
    out_ += "=\"";
    escape(text);
    out_ += '"';
    before = ',';
  }
  if (before == ',') out_ += '}';
}

void MetricsWriter::escape(std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out_ += '\\';
    if (c == '\n') {
      out_ += "\\n";
    } else {
      out_ += c;
    }
  }
}

void write_process_metrics(MetricsWriter& w, double cpu_seconds, std::int64_t resident_bytes) {
  using Type = MetricsWriter::Type;
  w.single("process_cpu_seconds_total", Type::counter, "CPU time of this process, children apart.", cpu_seconds);
  w.single("process_resident_memory_bytes", Type::gauge, "Resident memory.", resident_bytes);
}

}  // namespace apf::protocol
