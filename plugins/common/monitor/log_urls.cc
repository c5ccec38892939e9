#include "monitor/log_urls.h"

#include "protocol/launch.h"

namespace apf::monitoring {

// Launch knows the place of logs, and nobody else.
std::string log_urls(const FactoryIdentity& me, const PilotNote& note) {
  if (me.log_url.empty() || !note.spec || note.planned.ms == 0) return {};
  SubmitOrder order;
  order.queue = note.spec.get();
  order.me = &me;
  order.submission = note.submission;
  order.when = note.planned;
  return protocol::launch(order, note.batch_id, std::to_string(note.index)).log_url + "/" + note.batch_id;
}

}  // namespace apf::monitoring
