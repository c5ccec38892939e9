#include "wrapper/running_options.h"

#include <array>

#include "wrapper/option_rows.h"

namespace apf::wrapper::rows {
namespace {

using All = apf::wrapper::Options;

Status set_exit(All& o, const std::string& v) {
  if (v != "plain" && v != "telling") return bad("'" + v + "' is neither plain nor telling");
  o.running.telling_exit = v == "telling";
  return {};
}

constexpr std::array kRows{
    Row{"--wrapperexit", "plain|telling", "telling: own exit codes for no work and failed payloads; default plain",
        set_exit},
};

}  // namespace

std::span<const Row> of_running() { return kRows; }

}  // namespace apf::wrapper::rows
