// For tests of the job queue: a directory that goes away, times, and requests.
#pragma once

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "jobqueue/job_store.h"
#include "support/directory.h"

namespace apf::jobqueue::tests {

using apf::tests::Directory;

// Seconds after an arbitrary start.
inline Now at(double s) {
  const auto ms = std::llround(1000 * s);
  return {Mono{(1'000'000 + ms) * 1'000'000}, Wall{1'700'000'000'000 + ms}};
}

inline protocol::panda::JobSpec job(const std::string& site, const std::string& argument = "x") {
  protocol::panda::JobSpec s;
  s.site = site;
  s.argv = {"/bin/echo", argument};
  return s;
}

inline protocol::panda::AcquireRequest ask(const std::string& site, const std::string& request = "") {
  protocol::panda::AcquireRequest r;
  r.site = site;
  r.node = "wn1";
  r.request_id = request;
  return r;
}

inline protocol::panda::UpdateRequest say(const protocol::panda::Job& j, const std::string& status) {
  protocol::panda::UpdateRequest r;
  r.id = j.id;
  r.attempt = j.attempt;
  r.attempt_key = j.attempt_key;
  r.status = status;
  return r;
}

}  // namespace apf::jobqueue::tests
