// Plug-ins for tests of the configuration: sources that do nothing, and the real sched plug-ins.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "apf/registry.h"

namespace apf::config::testing {

inline constexpr std::array kWorkOptions{
    OptionSpec{.name = "url", .doc = "base address", .required = true},
    OptionSpec{.name = "token", .doc = "what opens it", .secret = true},
    OptionSpec{.name = "ca_file", .type = OptionType::path, .doc = "certificates"},
    OptionSpec{
        .name = "retries", .type = OptionType::integer, .fallback = "3", .doc = "tries", .minimum = 0, .maximum = 10},
};
inline constexpr std::array kFarmOptions{
    OptionSpec{.name = "slots", .type = OptionType::integer, .fallback = "4", .doc = "slots", .minimum = 1},
    OptionSpec{.name = "request_memory", .type = OptionType::size, .doc = "memory of a pilot", .scope = Scope::queue},
    OptionSpec{.name = "attributes", .type = OptionType::table, .doc = "free ones", .scope = Scope::queue},
};
inline constexpr std::array kGridOptions{
    OptionSpec{.name = "voms", .doc = "virtual organisation", .scope = Scope::queue, .required = true},
};
inline constexpr std::array kListOptions{
    OptionSpec{.name = "fails", .type = OptionType::boolean, .fallback = "false", .doc = "refuses its options"},
};

class NoWms final : public Wms {
 public:
  Result<View<DemandData>> poll(std::span<const std::string> /*queues*/, const std::string& /*cursor*/,
                                Context& /*context*/) override {
    return View<DemandData>{};
  }
};
class NoBatch final : public Batch {
 public:
  Result<View<BatchData>> poll(const FactoryIdentity& /*me*/, const std::string& /*cursor*/,
                               Context& /*context*/) override {
    return View<BatchData>{};
  }
  Result<std::vector<std::string>> submit(const SubmitOrder& /*order*/, Context& /*context*/) override {
    return std::vector<std::string>{};
  }
  Result<View<std::vector<PilotSeen>>> find(const FactoryIdentity& /*me*/, std::span<const std::string> /*ids*/,
                                            Context& /*context*/) override {
    return View<std::vector<PilotSeen>>{};
  }
  Result<std::int64_t> remove(std::span<const Removal> /*pilots*/, std::span<const PilotState> /*only_in*/,
                              const std::string& /*why*/, Context& /*context*/) override {
    return 0;
  }
};
// What it brings is up to the test: LoadOptions::fetch.
class NoSource final : public ConfigSource {
 public:
  Result<View<RawQueues>> load(Context& /*context*/) override { return View<RawQueues>{}; }
};

template <class Interface, class T>
Result<std::unique_ptr<Interface>> make_any(const Options& /*options*/) {
  return std::make_unique<T>();
}
inline Result<std::unique_ptr<ConfigSource>> make_list(const Options& options) {
  if (options.flag("fails")) return fail(Kind::config, "list.refused", "these options do not go together");
  return std::make_unique<NoSource>();
}

inline Registry registry() {
  Registry all, r;
  register_all(all);
  r.sched = all.sched;
  r.add(Plugin<Wms>{"work", "Has work", kWorkOptions, make_any<Wms, NoWms>});
  r.add(Plugin<Batch>{"farm", "Runs pilots", kFarmOptions, make_any<Batch, NoBatch>});
  r.add(Plugin<Batch>{"grid", "Runs pilots elsewhere", kGridOptions, make_any<Batch, NoBatch>});
  r.add(Plugin<ConfigSource>{"list", "Brings queues", kListOptions, make_list});
  return r;
}

// What every configuration needs, so that a test says only what it is about.
inline const std::string kHead = R"(version = 1
[factory]
factory_id = "f"
[wms.w]
plugin = "work"
url = "http://127.0.0.1"
[batch.b]
plugin = "farm"
)";

}  // namespace apf::config::testing
