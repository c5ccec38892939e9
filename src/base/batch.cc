#include "apf/batch.h"

namespace apf {

Result<std::int64_t> Batch::release(std::span<const Removal> /*pilots*/, const std::string& /*why*/,
                                    Context& /*context*/) {
  return fail(Kind::config, "batch.no_release", "this batch system's plug-in can't release held pilots");
}

Status Batch::check_queue(const QueueSpec& /*queue*/) const { return {}; }

Result<std::string> Batch::preview(const SubmitOrder& /*order*/) const {
  return fail(Kind::config, "batch.no_preview", "this batch system's plug-in has nothing to show before it submits");
}

bool Batch::chooses_nodes(const QueueSpec& /*queue*/) const { return false; }

Result<std::int64_t> Batch::avoid(const FactoryIdentity& /*me*/, const std::string& /*queue*/,
                                  std::span<const std::string> /*nodes*/, Context& /*context*/) {
  return fail(Kind::config, "batch.no_choice", "this batch system's plug-in can't choose nodes");
}

Result<View<FeedData>> Batch::follow(const FactoryIdentity& /*me*/, const std::string& /*cursor*/,
                                     Context& /*context*/) {
  return fail(Kind::config, "batch.no_feed", "this batch system's plug-in has no feed of events");
}

}  // namespace apf
