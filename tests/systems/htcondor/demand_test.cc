// The plug-in wms/htcondor on a real pool ("pool exec", see tests/stages.cmake).
#include <fmt/format.h>

#include "pool_fixture.h"

namespace apf {
void register_wms_htcondor(Registry& registry);
}

namespace apf {
namespace {

// The tools as the pool's account: jobs of root are refused.
int as_pool_user(const std::string& command) {
  const char* user = std::getenv("APF_POOL_USER");
  const std::string prefix =
      geteuid() == 0 && user != nullptr ? fmt::format("setpriv --reuid {0} --regid {0} --init-groups -- ", user) : "";
  return std::system((prefix + command).c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe): commands of this test
}

class HtcondorBacklog : public HtcondorPool {
 protected:
  void SetUp() override {
    HtcondorPool::SetUp();
    register_wms_htcondor(registry_);
    Options options;
    options.set("group_by", std::string("SITE"));
    options.set("constraint", "DemandTest =?= \"" + me_.factory_id + "\"");
    options.set("event_log", std::string("auto"));
    options.set("longest_wait", Duration(seconds{300}));
    auto made = find(registry_.wms, "htcondor")->make(options);
    ASSERT_TRUE(made) << made.error().text();
    wms_ = std::move(*made);
  }
  void TearDown() override {
    remove();
    HtcondorPool::TearDown();
  }

  void submit(int n, const std::string& line) {
    const fs::path file = directory_ / "backlog.sub";
    std::ofstream(file) << "executable = /bin/true\nrequirements = false\n+DemandTest = \"" << me_.factory_id << "\"\n"
                        << line << "\nqueue " << n << "\n";
    fs::permissions(file, fs::perms::owner_all | fs::perms::others_read);
    ASSERT_EQ(as_pool_user("condor_submit -terse '" + file.string() + "' >/dev/null"), 0);
  }
  int remove() const {
    return as_pool_user("condor_rm -constraint 'DemandTest =?= \"" + me_.factory_id + "\"' >/dev/null 2>&1");
  }

  void poll() {
    const std::vector<std::string> queues{"X", "Y"};
    auto view = wms_->poll(queues, cursor_, *context(seconds{600}));
    ASSERT_TRUE(view) << view.error().text();
    cursor_ = view->cursor;
    view_ = std::move(*view);
  }
  std::int64_t count(std::int64_t Demand::* member) const {
    std::int64_t n = 0;
    for (const auto& cell : view_.data.cells)
      if (cell.wms_queue == "X") n += cell.*member;
    return n;
  }

  std::unique_ptr<Wms> wms_;
  View<DemandData> view_;
};

// A poll that is not told by the log takes 300 s.
TEST_F(HtcondorBacklog, IsToldByTheEventLog) {
  poll();
  EXPECT_TRUE(wms_->pushes());
  EXPECT_EQ(count(&Demand::ready), 0);
  poll();  // the second look after the first

  submit(3, "+SITE = \"X\"");
  const Mono end = mono_now() + seconds{120};
  while (count(&Demand::ready) != 3 && mono_now() < end) poll();
  EXPECT_EQ(count(&Demand::ready), 3);
  EXPECT_EQ(view_.data.sites.size(), 2U);

  const Mono removed = mono_now();
  EXPECT_EQ(remove(), 0);
  while (count(&Demand::ready) != 0 && mono_now() < end) poll();
  EXPECT_EQ(count(&Demand::ready), 0);
  std::cout << "removed jobs were gone from the demand after " << human(mono_now() - removed) << "\n";
}

// Values are their submitter's words: none may spoil the view of the others' jobs.
TEST_F(HtcondorBacklog, HostileValuesAreLeftOut) {
  const std::vector<std::string> values{
      "\"a\\\\\"",  "strcat(\"a\\n\", \"b\")", "\"<b>\"", "\"\"", "error", "{ 1, 2 }", "[ a = 1 ]", "\"a\\\"b\"",
      "\"$(SITE)\""};
  for (const auto& value : values) submit(1, "+SITE = " + value);
  submit(1, "hold = true\n+SITE = \"X\"");
  submit(1, "+SITE = strcat(\"X\", \"\")");
  submit(1, "");
  submit(1, "+SITE = \"X\"\n+APF_FACTORY_ID = \"someone\"");
  poll();
  EXPECT_EQ(count(&Demand::ready), 1);
  EXPECT_EQ(count(&Demand::notready), 1);
  EXPECT_THAT(view_.evidence, ::testing::HasSubstr(std::to_string(values.size()) + " with unusable values"))
      << view_.evidence;
  EXPECT_THAT(view_.evidence, ::testing::HasSubstr("1 without SITE"));
}

}  // namespace
}  // namespace apf
