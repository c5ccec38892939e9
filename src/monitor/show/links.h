// Links to other pages about the same things, as the configuration has them: PanDA's monitor, a site's own pages.
//
//   [links]
//   payload = "https://bigpanda.example.org/job?pandaid={id}"
//
// Thread-safety: plain value.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apf/options.h"

namespace apf::monitor {

std::span<const OptionSpec> link_options();  // of [links]

class Links {
 public:
  // Errors (config): "links.bad_template".
  static Result<Links> open(const Options& options);
  Links() = default;  // none
  // Empty where none is configured, and for an empty value. Whatever the value is, it stays a value: percent-encoded.
  [[nodiscard]] std::string payload(std::string_view id) const;
  [[nodiscard]] std::string queue(std::string_view wms_queue) const;
  [[nodiscard]] std::string site(std::string_view site) const;

 private:
  std::string payload_, queue_, site_;  // templates
};

}  // namespace apf::monitor
