#include "event_log.h"

#include <fstream>

namespace apf::htcondor {
namespace {

// A log in HTCondor's own text form begins with "000 (001.000.000) ...", one in XML with "<".
Status check_format(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  char first = '{';
  if (!(in >> first) || first == '{') return {};
  return fail(Kind::config, "htcondor.event_log_format", "the event log is not in JSON form", path,
              "set EVENT_LOG_FORMAT_OPTIONS = JSON, UTC, SUB_SECOND for the schedd");
}

}  // namespace

Status EventLog::open(const std::string& bookmark) {
  if (auto ok = check_format(file_.path()); !ok) return ok;
  auto there = file_.open(bookmark);
  if (!there) return fail(there.error());
  gap_ = !*there;
  // A bookmark stands between two objects; the end of the file perhaps in the middle of one.
  const bool exact = *there && !bookmark.empty();
  splitter_.reset(!exact && file_.offset() > 0);
  object_ = 0;
  return {};
}

Result<std::optional<std::string_view>> EventLog::next() {
  while (true) {
    if (const auto object = splitter_.next()) {
      object_ = object->size();
      return object;
    }
    auto piece = file_.read();
    if (!piece) return fail(piece.error());
    switch (piece->what) {
      case LogFile::What::nothing: return std::nullopt;
      case LogFile::What::bytes: splitter_.add(piece->bytes); break;
      case LogFile::What::next:
        if (splitter_.partial()) gap_ = true;  // its writer died
        splitter_.reset(false);
        break;
      case LogFile::What::lost:
        gap_ = true;
        splitter_.reset(false);
        break;
    }
  }
}

bool EventLog::take_gap() {
  const bool gap = gap_ || splitter_.damages() != damages_;
  damages_ = splitter_.damages();
  gap_ = false;
  return gap;
}

}  // namespace apf::htcondor
