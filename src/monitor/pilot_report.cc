#include "monitor/pilot_report.h"

#include <algorithm>

namespace apf::monitor {
namespace {

const char* refuse(const Pilot& p, const PilotNews& n) {
  const ReportKey& key = *n.key;
  if (n.state == PilotState::created || n.state == PilotState::done)
    return "a pilot tells that it is running or exiting, or of a fault; the rest is its factory's to tell";
  if (p.submission != key.submission || (!n.submission.empty() && n.submission != key.submission))
    return "this key is of another submission";
  if (n.index && (p.index ? *n.index != *p.index : *n.index >= key.pilots)) return "this key is of another pilot";
  if (p.reports >= kMostReports) return "this pilot has told enough";
  const bool over = !live(p.state) && !p.aged;
  if (over && n.state == PilotState::fault && p.state != PilotState::fault)
    return "this pilot has ended well; only its factory may say otherwise";
  return nullptr;
}

// What is known already stays.
void only_what_is_missing(const Pilot& p, PilotNews& n) {
  if (p.rc) n.rc.reset();
  if (p.payloads) n.payloads.reset();
  if (!p.payload_ids.empty()) n.payload_ids.clear();
  n.at = n.at.ms == 0 ? p.ended : std::min(n.at, p.ended);
  n.text.clear();
}

}  // namespace

const char* check_report(const Pilot& p, PilotNews& n) {
  if (const char* why = refuse(p, n)) return why;
  n.label.clear();
  n.details.clear();
  n.held.reset();
  n.hold_reason.clear();
  // It runs on one node. What that is counts when the pilot names it first: before a payload runs.
  if (p.node != 0) {
    n.node.clear();
    n.profile.clear();
  }
  if (n.at.ms != 0) n.at = std::max(n.at, p.first());
  if (!live(p.state) && !p.aged) only_what_is_missing(p, n);
  return nullptr;
}

}  // namespace apf::monitor
