#include "protocol/launch.h"

namespace apf::protocol {
namespace {

constexpr const char* kKeepSlot = "20min";  // R11

std::string safe_name(std::string queue) {
  for (char& c : queue)
    if (c == '/' || c == ':') c = '_';
  return queue;
}

}  // namespace

Launch launch(const SubmitOrder& order, const std::string& cid, const std::string& index, bool behind_ce) {
  const QueueSpec& queue = *order.queue;
  const FactoryIdentity& me = *order.me;
  const std::string below = iso8601(order.when).substr(0, 10) + "/" + safe_name(queue.name);
  Launch l;
  l.log_dir = me.log_dir + "/" + below;
  if (!me.log_url.empty()) l.log_url = me.log_url + "/" + below;
  l.input_files = queue.input_files;

  l.environment = queue.environment;
  auto& env = l.environment;
  env["APF_PROTOCOL"] = std::to_string(kLaunchProtocol);
  env["APF_SUBMISSION"] = order.submission;
  env["APF_INDEX"] = index;
  env[kReportKeyVariable] = kReportKeyFile;
  env["APFFID"] = me.factory_id;
  env["APFCID"] = cid;
  env["APFMON"] = me.report_url;
  env["PANDA_JSID"] = me.factory_id;
  env["FACTORYQUEUE"] = queue.name;
  env["FACTORYUSER"] = me.user;
  env["FACTORY_JOBID"] = me.factory_id + "#" + cid;
  if (!me.harvester_id.empty()) {
    env["APF_HARVESTER"] = me.harvester_id;
    env["APF_FIRST_WORKER"] = std::to_string(me.first_worker + static_cast<std::int64_t>(order.first_no));
  }
  if (!l.log_url.empty()) env["GTAG"] = l.log_url + "/" + cid + ".out";

  if (queue.executable.empty()) {
    l.executable = me.bootstrap;
    l.arguments = {"--wrappertarballurl", me.wrapper_url, "--wrappertarballchecksum", me.wrapper_sha256};
    if (queue.next_wrapper > 0 && !me.next_wrapper_sha256.empty())
      l.arguments.insert(l.arguments.end(),
                         {"--wrappernext", std::to_string(order.place % 100) + "/" + std::to_string(queue.next_wrapper),
                          "--wrappernexturl", me.next_wrapper_url, "--wrappernextchecksum", me.next_wrapper_sha256});
    if (behind_ce) l.arguments.insert(l.arguments.end(), {"--wrapperkeepslot", kKeepSlot});
  } else {
    l.executable = queue.executable;
  }
  l.arguments.insert(l.arguments.end(), queue.arguments.begin(), queue.arguments.end());
  return l;
}

}  // namespace apf::protocol
