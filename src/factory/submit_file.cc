// `apf explain --submit-file`: what a submission would send, from the configuration alone.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "engine/identity.h"
#include "factory/commands.h"
#include "factory/configured.h"
#include "factory/surroundings.h"

namespace apf::factory {
namespace {

// Where the factory is served: what a running one has noted, else what it will try.
std::string address_of(const core::FactorySettings& factory) {
  std::string line;
  std::ifstream in(factory.state_dir + "/address");
  if (std::getline(in, line) && !line.empty()) return line;
  return factory.listen;
}

// As the engine makes it; what only a run knows is an example.
Result<FactoryIdentity> example_identity(const core::FactorySettings& factory) {
  auto me = engine::identity_of(factory, address_of(factory),
                                {beside_program("apf-bootstrap.sh"), beside_program("apf-wrapper.tar.gz")});
  if (!me) return me;
  me->instance = "example-instance";
  me->user = user_name();
  return me;
}

Result<std::string> preview(const QueueSpec& queue, const core::Config& config, std::int32_t n,
                            const Registry& registry) {
  const auto source = std::find_if(config.batch.begin(), config.batch.end(),
                                   [&](const core::BatchSource& b) { return b.name == queue.batch; });
  if (source == config.batch.end())
    return fail(Kind::config, "config.missing_section", fmt::format("no section [batch.{}]", queue.batch));
  const auto* plugin = find(registry.batch, source->plugin);
  if (plugin == nullptr) return fail(Kind::config, "config.unknown_plugin", source->plugin);
  auto batch = plugin->make(source->options);
  if (!batch) return fail(batch.error());
  auto me = example_identity(config.factory);
  if (!me) return fail(me.error());
  SubmitOrder order;
  order.queue = &queue;
  order.me = &*me;
  order.submission = "example-1";
  order.n = n;
  order.when = wall_now();
  return (*batch)->preview(order);
}

}  // namespace

int submit_file(const Target& target, const SubmitFileArgs& args, const Registry& registry, std::ostream& out,
                std::ostream& err) {
  const auto configured = configured_queue(target, args.queue, registry, out, err);
  if (!configured) return kBadInput;
  const auto text = preview(*configured->queue, *configured->loaded.config, args.n, registry);
  if (!text) return complain(target, text.error(), out, err);
  out << *text;
  return kGood;
}

}  // namespace apf::factory
