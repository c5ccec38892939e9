// Bodies and paths of the monitor's requests: whatever is accepted has safe texts, and a time line survives its store.
#include <cstdlib>

#include "monitor/news/forms.h"
#include "monitor/news/pair.h"
#include "monitor/pilot.h"
#include "monitor/store/keys.h"
#include "monitor/store/names.h"
#include "monitor/store/pilot_rows.h"

namespace monitor = apf::monitor;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

bool safe(const std::string& text) { return monitor::clean(text, text.size()) == text; }

void check(const monitor::PilotNews& p) {
  for (const std::string* text : {&p.label, &p.node, &p.failure, &p.text, &p.submission, &p.payload_ids, &p.profile})
    require(safe(*text));
  for (const monitor::Detail& d : p.details) require(monitor::good_name(d.name) && safe(d.value));
  require(p.state != monitor::PilotState::stale);
  monitor::Pilot pilot;
  apply(pilot, p, 1, apf::Wall{1'700'000'000'000});
  require(monitor::read_line(monitor::write_line(pilot.line)) == pilot.line);
}

void check(const monitor::News& news) {
  require(monitor::good_name(news.factory.name));
  for (const monitor::LabelNews& l : news.labels) {
    require(monitor::good_name(l.name));
    if (!l.status) continue;
    require(safe(*l.status));
    const std::vector<monitor::Message> messages = {{apf::Wall{7}, *l.status}, {apf::Wall{6}, *l.status}};
    require(monitor::read_messages(monitor::write_messages(messages)) == messages);
  }
  for (const monitor::SubmissionNews& s : news.submissions)
    require(monitor::good_name(s.id) && s.digest.size() == 64 && s.pilots > 0);
  for (const monitor::PilotNews& p : news.pilots) {
    require(monitor::good_name(p.id));
    check(p);
    if (const auto key = monitor::key_of(7, p.id)) require(monitor::id_of(*key) == p.id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'n':
      if (const auto news = monitor::read_news(text)) check(*news);
      break;
    case 'l':
      if (const auto all = monitor::read_labels(text))
        for (const auto& news : *all) check(news);
      break;
    case 'j':
      if (const auto all = monitor::read_jobs(text))
        for (const auto& news : *all) check(news);
      break;
    case 's':
      if (const auto pilot = monitor::read_job_state(text)) check(*pilot);
      break;
    case 'm':
      if (const auto label = monitor::read_label_status(text)) require(safe(*label->status));
      break;
    case 'f':
      if (const auto factory = monitor::read_factory(text)) require(safe(factory->version.value_or("")));
      break;
    case 'p':
      if (const auto pair = monitor::split(text, monitor::Snapshot{}))
        require(monitor::good_name(pair->factory) && monitor::good_name(pair->rest));
      break;
    default: (void)monitor::read_line(std::string(text)); (void)monitor::read_messages(std::string(text));
  }
  return 0;
}
