#include "monitor/store/book.h"

#include <algorithm>
#include <utility>

#include "monitor/pilot_report.h"
#include "monitor/store/history.h"
#include "monitor/store/keys.h"
#include "monitor/store/pilot_rows.h"
#include "monitor/store/schema.h"

namespace apf::monitor {
namespace {

constexpr std::int64_t kAtOnce = 20'000;  // rows read at a time at the start
constexpr std::size_t kMessages = 5;      // that a label keeps
constexpr std::int64_t kSeenMs = 10'000;  // `seen` of factories and labels is written down so often
constexpr std::int64_t kStepsOfHour = 3'600'000 / Activity::kStepMs;
constexpr PilotKey kNoKey = -1;

template <class T>
bool set(T& to, const std::optional<T>& from) {
  if (!from || *from == to) return false;
  to = *from;
  return true;
}

Wall not_after(Wall at, Wall now) { return at.ms > 0 && at <= now ? at : now; }

}  // namespace

Book::Book(std::unique_ptr<db::Db> db, const BookOptions& options)
    : db_(std::move(db)), options_(options), names_(options.limits), tally_(names_), report_keys_(options.most_keys) {}

Result<std::unique_ptr<Book>> Book::open(const db::Place& place, const BookOptions& options, Wall now) {
  auto db = db::open(place, migrations(), db::Use::write);
  if (!db) return fail(std::move(db.error()));
  std::unique_ptr<Book> book(new Book(std::move(*db), options));
  if (auto ok = book->load(now); !ok) return fail(std::move(ok.error()));
  return book;
}

Status Book::load(Wall now) {
  if (auto ok = names_.load(*db_); !ok) return ok;
  if (auto ok = report_keys_.load(*db_, now); !ok) return ok;
  if (auto ok =
          db_->run("SELECT pilot FROM pilot_name", {},
                   [&](const db::Row& row) { next_number_ = std::max(next_number_, number_of(row.integer(0)) + 1); });
      !ok)
    return ok;
  for (PilotKey after = 0;;) {
    std::int64_t rows = 0;
    auto ok = db_->run("SELECT " APF_PILOT_COLUMNS " FROM pilot WHERE id > $1 ORDER BY id LIMIT $2", {after, kAtOnce},
                       [&](const db::Row& row) {
                         const Pilot p = read_pilot(row);
                         after = p.key;
                         ++rows;
                         tally_.change({}, brief_of(p, options_.ageing), now);
                         if (p.state == PilotState::fault) tally_.fault_on(p.node, p.failure, p.reason);
                         if (live(p.state) && !p.submission.empty())
                           if (const KnownFactory* factory = names_.find_factory(p.factory))
                             report_keys_.live(factory->figures.name, p.submission, 1, now);
                       });
    if (!ok) return ok;
    if (rows < kAtOnce) break;
  }
  // The history has all but perhaps the last minute before the end.
  auto moved = tally_.take_moved();
  const std::int64_t recent = now.ms / Activity::kStepMs - kStepsOfHour;
  std::erase_if(moved, [&](const auto& one) { return one.second < recent; });
  tally_.moved_again(moved);
  return {};
}

Status Book::in_transaction(const std::function<Status()>& work) {
  Status done = db_->begin();
  if (done) done = work();
  if (done) done = db_->commit();
  if (!done) {
    db_->rollback();
    names_.undo();
    report_keys_.undo();
  }
  return done;
}

Status Book::take(std::span<const News* const> news, std::span<const Job> jobs, Wall now, std::vector<Taken>& taken,
                  std::vector<PilotChange>& changes) {
  Works works;
  taken.assign(news.size(), {});
  if (auto ok = in_transaction([&] { return take_inside(news, jobs, now, works, taken); }); !ok) return ok;
  names_.saved();
  report_keys_.saved(now);
  settle(works, now, changes);
  return {};
}

Status Book::take_inside(std::span<const News* const> news, std::span<const Job> jobs, Wall now, Works& works,
                         std::vector<Taken>& taken) {
  std::vector<KnownFactory*> factories;
  for (std::size_t i = 0; i < news.size(); ++i) {
    const bool report = !news[i]->pilots.empty() && news[i]->pilots.front().key;
    factories.push_back(report ? names_.find_factory(news[i]->factory.name)
                               : take_factory(news[i]->factory, now, taken[i]));
    if (factories.back() == nullptr) continue;
    if (auto ok = report_keys_.save(*db_, news[i]->factory.name, news[i]->submissions, now); !ok) return ok;
    for (const LabelNews& label : news[i]->labels) take_label(*factories.back(), label, now, taken[i]);
  }
  const auto keys = keys_of(news, factories);
  if (!keys) return fail(keys.error());
  if (auto ok = load_works(*keys, works); !ok) return ok;
  if (auto ok = load_details(news, *keys, works); !ok) return ok;
  std::size_t at = 0;
  for (std::size_t i = 0; i < news.size(); ++i)
    for (const PilotNews& pilot : news[i]->pilots) {
      const PilotKey key = (*keys)[at++];
      if (pilot.key && (factories[i] == nullptr || key == kNoKey))
        taken[i].not_yet = true;
      else if (pilot.key)
        take_report(*factories[i], pilot, key, now, works, taken[i]);
      else if (key == kNoKey)
        ++taken[i].refused;
      else
        take_pilot(*factories[i], pilot, key, now, works, taken[i]);
    }
  if (auto ok = save(works); !ok) return ok;
  if (auto ok = names_.save(*db_); !ok) return ok;
  for (const Job& job : jobs)
    if (auto ok = job(*db_); !ok) return ok;
  return {};
}

KnownFactory* Book::take_factory(const FactoryNews& news, Wall now, Taken& taken) {
  const std::size_t before = names_.factories.size();
  KnownFactory* known = names_.factory(news.name, now);
  if (known == nullptr) {
    ++taken.refused;
    return nullptr;
  }
  taken.new_factory = names_.factories.size() > before;
  FactoryFigures& f = known->figures;
  bool news_of_it = set(f.version, news.version);
  news_of_it |= set(f.email, news.email);
  news_of_it |= set(f.url, news.url);
  news_of_it |= set(f.type, news.type);
  news_of_it |= set(f.credential_ends, news.credential_ends);
  if (news.started) {
    f.last_startup = now;
    if (!news.address.empty()) f.address = news.address;
    news_of_it = true;
  }
  f.seen = std::max(f.seen, now);
  if (news_of_it || f.seen.ms - known->saved.ms > kSeenMs) names_.dirty.factories.insert(f.no);
  names_.changed.factories.insert(f.no);
  return known;
}

void Book::take_label(KnownFactory& factory, const LabelNews& news, Wall now, Taken& taken) {
  const std::size_t before = names_.labels.size();
  KnownLabel* known = names_.label(factory.figures.no, news.name, now);
  if (known == nullptr) {
    ++taken.refused;
    return;
  }
  if (names_.labels.size() > before) ++taken.new_labels;
  LabelFigures& l = known->figures;
  bool news_of_it = set(l.wms_queue, news.wms_queue);
  news_of_it |= set(l.batch_queue, news.batch_queue);
  news_of_it |= set(l.site, news.site);
  news_of_it |= set(l.cloud, news.cloud);
  if (news.status) {
    const Wall at = not_after(news.at, now);
    l.messages.insert(l.messages.begin(), {at, *news.status});
    if (l.messages.size() > kMessages) l.messages.pop_back();
    factory.figures.last_cycle = std::max(factory.figures.last_cycle, at);
    news_of_it = true;
  }
  l.seen = std::max(l.seen, now);
  if (news_of_it || l.seen.ms - known->saved.ms > kSeenMs) names_.dirty.labels.insert(l.no);
  names_.changed.labels.insert(l.no);
}

// Keys of all pilots in the order of the news; kNoKey where the factory is refused.
Result<std::vector<PilotKey>> Book::keys_of(std::span<const News* const> news,
                                            const std::vector<KnownFactory*>& factories) {
  std::vector<PilotKey> keys;
  std::vector<db::Values> named;
  std::vector<std::size_t> places;
  std::set<std::size_t> reports;  // of pilots themselves: they make none
  for (std::size_t i = 0; i < news.size(); ++i)
    for (const PilotNews& pilot : news[i]->pilots) {
      const FactoryNo factory = factories[i] != nullptr ? factories[i]->figures.no : 0;
      const auto key = factory != 0 ? key_of(factory, pilot.id) : kNoKey;
      keys.push_back(key.value_or(kNoKey));
      if (key) continue;
      named.push_back({std::int64_t{factory}, std::string_view(pilot.id)});
      places.push_back(keys.size() - 1);
      if (pilot.key) reports.insert(places.back());
    }
  auto ok = db_->run_all("SELECT pilot FROM pilot_name WHERE factory = $1 AND name = $2", named,
                         [&](std::size_t i, const db::Row& row) { keys[places[i]] = row.integer(0); });
  if (!ok) return fail(std::move(ok.error()));
  std::map<std::pair<std::int64_t, std::string_view>, PilotKey> made;
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (keys[places[i]] != kNoKey || reports.contains(places[i])) continue;
    const std::pair name{std::get<std::int64_t>(named[i][0]), std::get<std::string_view>(named[i][1])};
    const auto [it, is_new] = made.emplace(name, kNoKey);
    if (is_new) {
      it->second = numbered_key(static_cast<FactoryNo>(name.first), next_number_++);
      ok = db_->run("INSERT INTO pilot_name(factory, name, pilot) VALUES ($1, $2, $3)",
                    {name.first, name.second, it->second});
      if (!ok) return fail(std::move(ok.error()));
    }
    keys[places[i]] = it->second;
  }
  return keys;
}

Status Book::load_works(const std::vector<PilotKey>& keys, Works& works) {
  std::vector<PilotKey> unique(keys);
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  auto found = load_pilots(*db_, unique);
  if (!found) return fail(std::move(found.error()));
  for (auto& [key, pilot] : *found) {
    Work w;
    w.before = brief_of(pilot, options_.ageing);
    if (live(pilot.state)) w.live_in = pilot.submission;
    w.pilot = std::move(pilot);
    works.emplace_hint(works.end(), key, std::move(w));
  }
  return {};
}

Status Book::load_details(std::span<const News* const> news, const std::vector<PilotKey>& keys, Works& works) {
  std::set<PilotKey> wanted;
  std::size_t at = 0;
  for (const News* n : news)
    for (const PilotNews& pilot : n->pilots) {
      const PilotKey key = keys[at++];
      if (!pilot.details.empty() && works.contains(key)) wanted.insert(key);
    }
  std::vector<Pilot*> pilots;
  for (const PilotKey key : wanted) pilots.push_back(&works.at(key).pilot);
  return monitor::load_details(*db_, pilots);
}

void Book::take_pilot(KnownFactory& factory, const PilotNews& news, PilotKey key, Wall now, Works& works,
                      Taken& taken) {
  const auto [it, is_new] = works.try_emplace(key);
  Work& w = it->second;
  const bool another = !is_new && is_another(w.pilot, news, now);
  if (is_new || another) {
    w.pilot = new_pilot(key, factory.figures.no, 0, news);
    w.is_new = is_new;
    w.another = another;
  }
  bool changed = false;
  if (w.pilot.label == 0 && !news.label.empty()) {
    LabelNews label;
    label.name = news.label;
    take_label(factory, label, now, taken);
    if (const KnownLabel* known = names_.label(factory.figures.no, news.label, now)) {
      w.pilot.label = known->figures.no;
      changed = true;
    }
  }
  changed |= apply(w.pilot, news, take_node(news, now), now);
  w.dirty |= changed;
  if (is_new || another)
    ++taken.created;
  else if (changed)
    ++taken.updated;
  else
    ++taken.unchanged;
}

NodeNo Book::take_node(const PilotNews& news, Wall now) {
  KnownNode* known = news.node.empty() ? nullptr : names_.node(news.node, now);
  if (known == nullptr) return 0;
  const NodeNo node = known->figures.no;
  if (!news.profile.empty() && known->figures.profile != news.profile) {
    known->figures.profile = news.profile;
    names_.dirty.nodes.insert(node);
    names_.changed.nodes.insert(node);
  }
  return node;
}

// It makes no pilot: one that is quicker than its factory is told to come again.
void Book::take_report(KnownFactory& factory, PilotNews news, PilotKey key, Wall now, Works& works, Taken& taken) {
  const auto it = works.find(key);
  if (it == works.end()) {
    taken.not_yet = true;
    return;
  }
  taken.denied = check_report(it->second.pilot, news);
  if (taken.denied != nullptr) return;
  ++it->second.pilot.reports;
  it->second.dirty = true;  // the number is to be written, at least
  take_pilot(factory, news, key, now, works, taken);
}

Status Book::save(const Works& works) {
  std::vector<const Pilot*> fresh, known;
  std::vector<db::Values> others;
  for (const auto& [key, w] : works) {
    if (w.dirty) (w.is_new ? fresh : known).push_back(&w.pilot);
    if (w.another) others.push_back({key});
  }
  if (auto ok = db_->run_all("DELETE FROM pilot_detail WHERE id = $1", others); !ok) return ok;
  if (auto ok = insert_pilots(*db_, fresh); !ok) return ok;
  return update_pilots(*db_, known);
}

void Book::settle(const Works& works, Wall now, std::vector<PilotChange>& changes) {
  for (const auto& [key, w] : works) {
    if (!w.dirty) continue;
    tally_.change(w.before, brief_of(w.pilot, options_.ageing), now);
    if (w.pilot.state == PilotState::fault) tally_.fault_on(w.pilot.node, w.pilot.failure, w.pilot.reason);
    count_live(w, now);
    changes.push_back({key, w.pilot.label, w.pilot.node, w.pilot.state, w.is_new});
  }
}

void Book::count_live(const Work& w, Wall now) {
  const std::string live_in = live(w.pilot.state) ? w.pilot.submission : "";
  const KnownFactory* factory = live_in == w.live_in ? nullptr : names_.find_factory(w.pilot.factory);
  if (factory == nullptr) return;
  if (!w.live_in.empty()) report_keys_.live(factory->figures.name, w.live_in, -1, now);
  if (!live_in.empty()) report_keys_.live(factory->figures.name, live_in, 1, now);
}

Status Book::age(Wall now, std::size_t most, std::vector<PilotChange>& changes) {
  const std::vector<PilotKey> keys = tally_.due(now, most);
  if (keys.empty()) return {};
  Works works;
  auto ok = in_transaction([&]() -> Status {
    if (auto loaded = load_works(keys, works); !loaded) return loaded;
    for (auto& [key, w] : works) w.dirty = monitor::age(w.pilot, options_.ageing, now);
    return save(works);
  });
  if (!ok) return ok;
  settle(works, now, changes);
  return {};
}

// The present step and hour of all labels that live, with what is live now; and earlier ones that news came late for.
Status Book::write_history(Wall now) {
  auto moved = tally_.take_moved();
  const std::int64_t present = now.ms / Activity::kStepMs;
  for (const auto& [no, label] : names_.labels)
    if (label.figures.live.all() != 0) moved.emplace(no, present);
  std::vector<HistoryEntry> now_entries, earlier;
  std::set<std::pair<LabelNo, std::int64_t>> hours;
  for (const auto& [no, step] : moved) {
    const KnownLabel* label = names_.find_label(no);
    if (label == nullptr) continue;
    const Flow* flow = label->activity.find(step);
    (step == present ? now_entries : earlier)
        .push_back({no, Width::step, {Wall{step * Activity::kStepMs}, flow ? *flow : Flow{}, label->figures.live}});
    hours.emplace(no, step / kStepsOfHour);
  }
  for (const auto& [no, hour] : hours) {
    const KnownLabel* label = names_.find_label(no);
    Flow sum;
    bool whole = true;  // are all its steps kept?
    for (std::int64_t step = hour * kStepsOfHour; step < (hour + 1) * kStepsOfHour; ++step) {
      whole = whole && step > present - Activity::kKept;
      if (const Flow* flow = label->activity.find(step)) sum += *flow;
    }
    if (whole)
      (hour == present / kStepsOfHour ? now_entries : earlier)
          .push_back({no, Width::hour, {Wall{hour * kStepsOfHour * Activity::kStepMs}, sum, label->figures.live}});
  }
  auto ok = in_transaction([&]() -> Status {
    if (auto written = monitor::write_history(*db_, now_entries, true); !written) return written;
    return monitor::write_history(*db_, earlier, false);
  });
  if (!ok) tally_.moved_again(moved);
  return ok;
}

Result<std::size_t> Book::forget(Wall now, std::size_t most) {
  const std::int64_t before = tally_.pilots() > options_.most_pilots
                                  ? now.ms
                                  : now.ms - std::chrono::duration_cast<milliseconds>(options_.keep_pilots).count();
  std::vector<PilotKey> keys;
  Works works;
  auto ok = in_transaction([&]() -> Status {
    auto done = db_->run("SELECT id FROM pilot WHERE ended > 0 AND ended < $1 ORDER BY ended LIMIT $2",
                         {before, static_cast<std::int64_t>(most)},
                         [&](const db::Row& row) { keys.push_back(row.integer(0)); });
    if (done) done = load_works(keys, works);
    std::vector<db::Values> rows, named;
    for (const PilotKey key : keys) (is_numbered(key) ? named : rows).push_back({key});
    if (done) done = db_->run_all("DELETE FROM pilot_name WHERE pilot = $1", named);
    rows.insert(rows.end(), named.begin(), named.end());
    if (done) done = db_->run_all("DELETE FROM pilot WHERE id = $1", rows);
    if (done) done = db_->run_all("DELETE FROM pilot_detail WHERE id = $1", rows);
    return done;
  });
  if (!ok) return fail(std::move(ok.error()));
  for (const auto& [key, w] : works) tally_.change(w.before, {}, now);
  if (keys.empty())
    if (auto names = forget_names(now); !names) return fail(std::move(names.error()));
  if (keys.size() < most)
    if (auto old = forget_keys(now); !old) return fail(std::move(old.error()));
  return keys.size();
}

Status Book::forget_keys(Wall now) {
  auto ok = in_transaction([&] { return report_keys_.forget(*db_, now); });
  if (ok) report_keys_.forgotten();
  return ok;
}

Status Book::forget_names(Wall now) {
  const auto before = [&](Duration keep) {
    return Wall{now.ms - std::chrono::duration_cast<milliseconds>(keep).count()};
  };
  const Wall labels_before = before(std::max(options_.keep_hours, options_.keep_pilots));
  const Wall nodes_before = before(std::max(options_.keep_nodes, options_.keep_pilots));
  Marks old;
  for (const auto& [no, l] : names_.labels)
    if (l.figures.seen < labels_before && l.figures.live.all() == 0) old.labels.insert(no);
  for (const auto& [no, f] : names_.factories)
    if (f.figures.seen < labels_before && f.figures.live.all() == 0 && f.figures.labels == 0) old.factories.insert(no);
  for (const auto& [no, n] : names_.nodes)
    if (n.figures.seen < nodes_before && n.figures.running == 0) old.nodes.insert(no);
  auto ok = in_transaction([&]() -> Status {
    for (const auto& [width, keep] : {std::pair<std::int64_t, Duration>{5, options_.keep_steps},
                                      std::pair<std::int64_t, Duration>{60, options_.keep_hours}})
      if (auto done = db_->run("DELETE FROM history WHERE width = $1 AND at < $2", {width, before(keep).ms}); !done)
        return done;
    return Names::remove(*db_, old);
  });
  if (ok) names_.drop(old);
  return ok;
}

}  // namespace apf::monitor
