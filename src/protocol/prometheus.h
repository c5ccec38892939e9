// Writes metrics in the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
//
// Labels have to be bounded: things that the configuration or the program names; never pilots or nodes.
// Thread-safety: pure; a writer is used by one thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace apf::protocol {

class MetricsWriter {
 public:
  enum class Type : std::uint8_t { gauge, counter };
  using Label = std::pair<const char*, std::string_view>;

  // Begins a family; all of its samples stand together.
  void family(const char* name, Type type, const char* help);
  template <class Number>
  void sample(std::initializer_list<Label> labels, Number value) {
    if constexpr (std::is_floating_point_v<Number>) {
      put(labels, double{value});
    } else {
      put(labels, static_cast<std::int64_t>(value));
    }
  }
  template <class Number>
  void single(const char* name, Type type, const char* help, Number value) {
    family(name, type, help);
    sample({}, value);
  }
  std::string take() { return std::move(out_); }

 private:
  void put(std::initializer_list<Label> labels, std::int64_t value);
  void put(std::initializer_list<Label> labels, double value);
  void begin(std::initializer_list<Label> labels);
  void escape(std::string_view text);
  std::string out_;
  const char* name_ = "";
};

// What a process uses, under the names that Prometheus's own clients have.
void write_process_metrics(MetricsWriter& w, double cpu_seconds, std::int64_t resident_bytes);

}  // namespace apf::protocol
