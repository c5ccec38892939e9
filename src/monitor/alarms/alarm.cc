#include "monitor/alarms/alarm.h"

#include <fmt/format.h>

namespace apf::monitor {

std::string Finding::subject() const {
  if (!node.empty()) return "node " + node;
  if (!label.empty()) return "label " + factory + ":" + label;
  return "factory " + factory;
}

bool Mute::covers(const Finding& f, Wall now) const {
  if (until.ms != 0 && until <= now) return false;
  return (code.empty() || code == f.code) && (subject.empty() || subject == f.subject());
}

std::string ticket_text(const Alarm& alarm, const std::string& monitor_url) {
  const Finding& f = alarm.found;
  std::string text = fmt::format("{} [{}]\n\n{}\nSince {}.\n", f.subject(), f.code, f.text, iso8601(alarm.since));
  if (!f.evidence.empty()) text += "\nEvidence:\n";
  for (const std::string& line : f.evidence) text += "- " + line + "\n";
  if (!f.advice.empty()) text += "\nWhat to do: " + f.advice + "\n";
  if (!monitor_url.empty()) text += "\n" + monitor_url + "/report\n";
  return text;
}

}  // namespace apf::monitor
