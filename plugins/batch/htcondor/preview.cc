// check_queue() and preview(): what a submission would be, without making one.
#include "describe.h"
#include "htcondor.h"

namespace apf::batch_htcondor {
namespace {

// A factory that nobody is, for descriptions that nobody sends.
FactoryIdentity somebody() {
  FactoryIdentity me;
  me.factory_id = me.instance = "factory";
  me.log_dir = me.state_dir = "/somewhere";
  me.bootstrap = "/somewhere/apf-bootstrap.sh";
  return me;
}

}  // namespace

Status HtcondorBatch::check_queue(const QueueSpec& queue) const {
  const FactoryIdentity me = somebody();
  SubmitOrder order;
  order.queue = &queue;
  order.me = &me;
  order.submission = "example";
  order.n = 1;
  if (auto ok = check_credential_options(queue.submit); !ok) return ok;
  if (auto made = preview(order); !made) return fail(made.error());
  return {};
}

Result<std::string> HtcondorBatch::preview(const SubmitOrder& order) const {
  const Spool::Prepared files = spool_.places(order);
  const auto credential = Credentials::place(spool_.root(*order.me), order.queue->submit);
  auto made = describe(
      order,
      {files.key_file, files.input_files, credential.proxy, credential.token, settings_.spooling, {}, files.directory});
  if (!made) return fail(made.error());
  return std::move(made->text);
}

}  // namespace apf::batch_htcondor
