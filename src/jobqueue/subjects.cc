#include "jobqueue/subjects.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace apf::jobqueue {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Scope scope_of(std::string_view word) {
  if (word == "read") return Scope::read;
  if (word == "pilot") return Scope::pilot;
  if (word == "submit") return Scope::submit;
  return Scope::nobody;
}

Result<Subject> read_line(std::string_view line) {
  const auto blank = std::min(line.find_first_of(kBlanks), line.size());
  Subject s;
  s.scope = scope_of(line.substr(0, blank));
  if (s.scope == Scope::nobody)
    return fail(Kind::config, "jobqueue.bad_subjects", "expected 'pilot', 'read' or 'submit', then a name");
  std::string_view name = trimmed(line.substr(blank));
  s.any_ending = name.ends_with('*');
  if (s.any_ending) name.remove_suffix(1);
  if (!name.starts_with('/') || name.find('=') == std::string_view::npos)
    return fail(Kind::config, "jobqueue.bad_subjects",
                "expected a name like /DC=org/DC=example/CN=Robot: Pilot, with at least one attribute");
  s.name = name;
  return s;
}

}  // namespace

Scope Subjects::scope(std::string_view name) const {
  if (name.empty()) return Scope::nobody;
  const auto fits = [&](const Subject& s) { return s.any_ending ? name.starts_with(s.name) : name == s.name; };
  const auto it = std::find_if(lines_.begin(), lines_.end(), fits);
  return it == lines_.end() ? Scope::nobody : it->scope;
}

Result<Subjects> read_subjects(std::string_view text) {
  std::vector<Subject> lines;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.empty() || line.starts_with('#')) continue;
    auto subject = read_line(line);
    if (!subject) {
      subject.error().where = "line " + std::to_string(number);
      return fail(std::move(subject.error()));
    }
    lines.push_back(std::move(*subject));
  }
  return Subjects(std::move(lines));
}

Result<Subjects> load_subjects(const std::string& file) {
  struct stat st{};
  if (stat(file.c_str(), &st) != 0 && errno == ENOENT) return Subjects();
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  if (!in.good()) return fail(Kind::config, "jobqueue.bad_subjects", "can't be read", file);
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(Kind::config, "jobqueue.bad_subjects", "others may write it", file, "chmod go-w " + file);
  auto subjects = read_subjects(text.str());
  if (!subjects) {
    subjects.error().where = file + ", " + subjects.error().where;
    return fail(std::move(subjects.error()));
  }
  return subjects;
}

}  // namespace apf::jobqueue
