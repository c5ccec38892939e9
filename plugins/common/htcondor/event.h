// Reads what HTCondor logs about jobs: a schedd's event log in JSON form (EVENT_LOG_FORMAT_OPTIONS = JSON) or jobs'
// user logs in XML form (log_xml). Either is objects one after the other, each over several lines, nothing between
// them. With EVENT_LOG_JOB_AD_INFORMATION_ATTRS (job_ad_information_attrs) each event is followed by a
// JobAdInformationEvent that repeats it and adds those attributes of the job.
//
// Schedd and shadows write to one log: an event and its information may have others in between, and a writer that is
// killed leaves a part of an object.
// Thread-safety: values; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "apf/time.h"

namespace apf::htcondor {

// Cuts text that arrives in pieces into objects; how it is chopped makes no difference.
class ObjectSplitter {
 public:
  void add(std::string_view bytes);
  // The next complete object; valid until the next call. Nothing: more text is needed.
  std::optional<std::string_view> next();

  // Begins anew. `inside`: the text begins somewhere, so what stands before the first object is no damage.
  void reset(bool inside);
  // Runs of text so far that were no object, each a possible loss.
  [[nodiscard]] std::uint64_t damages() const { return damages_; }
  // Bytes added that are not yet part of an object or of damage.
  [[nodiscard]] std::size_t pending() const { return text_.size() - begin_; }
  [[nodiscard]] bool partial() const { return depth_ > 0; }

 private:
  void outside(char c);
  bool inside_json(char c);
  bool inside_xml(char c);
  bool too_long();
  void broken();

  std::string text_;
  std::size_t begin_ = 0, scan_ = 0;  // what is not consumed; how far it was looked at
  int depth_ = 0;
  bool xml_ = false;  // the object is in XML form
  bool quoted_ = false, escaped_ = false, skipping_ = false;
  char before_ = '\n';  // the character before scan_
  std::uint64_t damages_ = 0;
};

using EventValue = std::variant<bool, std::int64_t, std::string>;
using EventAttributes = std::map<std::string, EventValue, std::less<>>;

struct Event {
  int type = -1;          // HTCondor's number of what happened; of an information event: of what it informs
  bool informed = false;  // it is an information event: the job's attributes are there
  std::int64_t cluster = 0, proc = -1;  // 0, -1: no job's event
  Wall at;
  EventAttributes attributes;  // without those that are lists, tables or broken numbers

  // The attribute if it is there and of this type.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name) const;
};

// Nothing when the text is no event in either form.
std::optional<Event> decode_event(std::string_view object);

// "2026-11-22T03:11:30.023Z"; without the Z it is local time, as the schedd writes it unless UTC is among
// EVENT_LOG_FORMAT_OPTIONS. 0 when it is no time.
Wall event_time(const std::string& text);
// "Usr 0 00:01:02, Sys 0 00:00:03" -> 65; negative when it is no usage.
float usage_seconds(const std::string& text);

}  // namespace apf::htcondor
