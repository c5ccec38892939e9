#include "event_log.h"

#include <fstream>
#include <utility>

namespace apf::htcondor {
namespace {

// A log in HTCondor's own text form begins with "000 (001.000.000) ...", one whose beginning was given back with zeros.
Status check_format(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  char first = '{';
  if (!(in >> first) || std::string_view("{<\0", 3).find(first) != std::string_view::npos) return {};
  return fail(Kind::config, "htcondor.event_log_format", "the event log is not in JSON form", path,
              "set EVENT_LOG_FORMAT_OPTIONS = JSON, UTC, SUB_SECOND for the schedd");
}

}  // namespace

Status EventLog::open(const std::string& bookmark) {
  if (auto ok = check_format(file_.path()); !ok) return ok;
  auto there = file_.open(bookmark);
  if (!there) return fail(there.error());
  gap_ = *there ? "" : "the file that was read last is gone";
  // A bookmark stands between two objects; the end of the file perhaps in the middle of one.
  const bool exact = *there && !bookmark.empty();
  splitter_.reset(!exact && file_.offset() > 0);
  object_ = 0;
  from_.reset();
  return {};
}

Result<std::optional<std::string_view>> EventLog::next() {
  object_ = 0;
  from_.reset();
  while (true) {
    if (const auto object = splitter_.next()) {
      object_ = object->size();
      return object;
    }
    auto piece = file_.read();
    if (!piece) return fail(piece.error());
    switch (piece->what) {
      case LogFile::What::nothing: return next_late();
      case LogFile::What::bytes: splitter_.add(piece->bytes); break;
      case LogFile::What::next:
        if (splitter_.pending() > 0) file_.left().back().offset -= splitter_.pending();
        splitter_.reset(false);
        break;
      case LogFile::What::lost:
        gap_ = "the log was cut, deleted or rotated away unread";
        splitter_.reset(false);
        break;
    }
  }
}

// What writers that missed a rotation put into files that were read and left.
std::optional<std::string_view> EventLog::next_late() {
  auto& files = file_.left();
  for (std::size_t i = 0; i < files.size();) {
    const std::string text = LogFile::rest(files[i]);
    late_.reset(false);
    late_.add(text);
    const auto object = late_.next();
    files[i].offset += text.size() - late_.pending();
    if (object) {
      object_ = object->size();
      from_ = i;
      return object;
    }
    if (mono_now() - files[i].since < most_late_) {
      ++i;
      continue;
    }
    if (late_.partial()) gap_ = "an event was not written to its end";
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return std::nullopt;
}

std::string EventLog::bookmark_before() {
  if (!from_) return file_.bookmark(splitter_.pending() + object_);
  auto& offset = file_.left()[*from_].offset;
  offset -= object_;
  std::string out = bookmark();
  offset += object_;
  return out;
}

std::string EventLog::take_gap() {
  const std::uint64_t damages = splitter_.damages() + late_.damages();
  if (gap_.empty() && damages != damages_) gap_ = "there was text that is no event";
  damages_ = damages;
  return std::exchange(gap_, {});
}

}  // namespace apf::htcondor
