// Whose certificates may do what: DIR/subjects of the data directory, a line each:
//
//   # scope  name in the certificate, as grids write it; a '*' at its end is any ending
//   pilot    /DC=org/DC=example/OU=Robots/CN=Robot: Pilot Factory
//   read     /DC=org/DC=example/*
//
// The first line that fits counts. Thread-safety: plain values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "jobqueue/tokens.h"

namespace apf::jobqueue {

struct Subject {
  Scope scope = Scope::nobody;
  std::string name;  // without the '*'
  bool any_ending = false;
  bool operator==(const Subject&) const = default;
};

class Subjects {
 public:
  Subjects() = default;
  explicit Subjects(std::vector<Subject> lines) : lines_(std::move(lines)) {}
  [[nodiscard]] Scope scope(std::string_view name) const;  // "" is nobody's
  [[nodiscard]] const std::vector<Subject>& lines() const { return lines_; }

 private:
  std::vector<Subject> lines_;
};

// Errors (config): "jobqueue.bad_subjects", with the number of the line.
Result<Subjects> read_subjects(std::string_view text);
// Nothing when there is no such file.
Result<Subjects> load_subjects(const std::string& file);

}  // namespace apf::jobqueue
