// A section of the new configuration while it is made. Thread-safety: plain values.
#pragma once

#include <string>
#include <vector>

#include "apf/registry.h"
#include "import/keys.h"

namespace apf::import {

struct Line {
  std::string key;   // dotted: "submit.request_cpus"
  std::string text;  // the value as TOML
};

struct Draft {
  std::string name;
  Origin origin;
  std::vector<Line> lines;
  std::vector<std::string> notes;
  bool left_out = false;

  void add(std::string key, std::string text);  // the last of a key counts
  void note(std::string text) { notes.push_back(std::move(text)); }
  // Its pilots would not be what they were: it decides, but a person looks before it submits.
  void only_shadow(const std::string& why);
  void leave_out(const std::string& why);
};

// The chain of `schedplugin`. `factory` has the limit of MaxPerFactory.
void import_chain(const Keys& keys, const Keys& factory, const Registry& registry, Draft& draft);
// Executable, arguments, environment and what `batchsubmitplugin` says. `auth`: the file of credentials.
void import_submission(const Keys& keys, const Ini& auth, Draft& draft);

}  // namespace apf::import
