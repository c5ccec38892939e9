// The checks of a node before a pilot works on it: which there are, in which order, and what their end means.
//
// Thread-safety: validate() is called by the main thread, before anything else runs.
#pragma once

#include <string>
#include <vector>

#include "wrapper/node/checks.h"
#include "wrapper/options/options.h"
#include "wrapper/report/reporter.h"

namespace apf::wrapper::node {

struct Validation {
  std::vector<Checked> checks;
  Duration took{};
  int rc = kDone;         // exit code of the first failure; node faults come before others
  std::string failure{};  // its class: "disk", "cvmfs", or what a script says
  std::string text{};     // all failures, for people
};

struct Subject {
  const wrapper::Options& options;
  const std::string& token;  // for the WMS; empty: none
  std::string scratch;       // where the scratch directory will be made
};

std::vector<Check> checks_for(const Subject& subject);
Validation judge(std::vector<Checked> checks, Duration took);
// Never waits for the factory, but when the WMS is out of reach: then the reporter's luck tells whose fault that is.
Validation validate(const Subject& subject, Reporter& reporter);

}  // namespace apf::wrapper::node
