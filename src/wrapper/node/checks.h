// Runs checks of the node: each in a thread of its own as soon as those before it have passed, so that all of them take
// as long as the slowest chain. What may hang (a dead mount, a program) is asked of a child process with a deadline, so
// a check always returns about its deadline.
//
// Thread-safety: run_checks() is called by one thread; the checks' functions run in several.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "apf/time.h"
#include "wrapper/exit_codes.h"

namespace apf::wrapper::node {

enum class State : std::uint8_t { ok, warning, failed, skipped };
const char* name(State state);

struct Finding {
  State state = State::ok;
  std::string text;       // one sentence: what was seen
  int rc = kNodeFault;    // of a failure: whose fault it is (exit_codes.h)
  std::string failure{};  // class of the failure, one word; empty: the check's name
};
Finding passed(std::string text);
Finding warned(std::string text);
Finding failed(std::string text, int rc = kNodeFault);
Finding skipped(std::string text);

struct Check {
  std::string name;                  // "disk", "cvmfs:atlas.cern.ch"
  std::vector<std::string> after{};  // names: when one of them failed, this one is skipped
  Duration deadline = seconds{30};
  bool lax = false;  // a failure is a warning
  std::function<Finding(Mono deadline)> look{};
};

struct Checked {
  std::string name;
  Finding finding;
  Duration took{};
};

// In the order of `checks`. An `after` that names none of them, or leads in a circle, counts as passed.
// `stop` set: checks that have not begun are skipped.
std::vector<Checked> run_checks(const std::vector<Check>& checks, const std::atomic<bool>& stop);

// One word of a check's name or of a failure's class: letters, digits, '.', '_', '-', ':' and at most 64 of them; other
// bytes become '_'. Never empty.
std::string word(std::string_view text);

}  // namespace apf::wrapper::node
