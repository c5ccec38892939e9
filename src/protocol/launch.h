// How a factory starts a pilot: the one place that knows the names of the variables and options that pass from the
// factory through a batch plug-in to apf-bootstrap.sh and apf-wrapper. APF_PROTOCOL counts incompatible changes.
//
// Names kept from AutoPyFactory: APFFID, APFCID, APFMON, GTAG, FACTORYQUEUE, FACTORYUSER, PANDA_JSID, FACTORY_JOBID.
// Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apf/batch.h"

namespace apf::protocol {

constexpr int kLaunchProtocol = 1;
// The variable that names the file in the pilot's working directory which holds the submission's report key (mode
// 0600), and its name where a batch plug-in gives it no other.
constexpr const char* kReportKeyVariable = "APF_REPORT_KEY_FILE";
constexpr const char* kReportKeyFile = "apf-report.key";

struct Launch {
  std::string executable;  // absolute path on the submit host; becomes the pilot's program
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  std::vector<std::string> input_files;  // absolute paths on the submit host
  std::string log_dir;                   // log_dir/YYYY-MM-DD/queue, '/' and ':' in the queue's name become '_'
  std::string log_url;                   // the same below log_url; empty: not served
};

// `cid` is the pilot's batch id and `index` its number, or what the batch system will put in their place
// ("$(Cluster).$(Process)", "$(Process)").
// `behind_ce`: somebody else chooses the nodes, so a node that fails its checks keeps its slot (R11); the queue's own
// arguments may say something else.
Launch launch(const SubmitOrder& order, const std::string& cid, const std::string& index, bool behind_ce = false);

}  // namespace apf::protocol
