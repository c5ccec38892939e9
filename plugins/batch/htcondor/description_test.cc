// The submit description that the plug-in writes.
#include "describe.h"
#include "support/htcondor_rig.h"

namespace apf::batch_htcondor {
namespace {

using ::testing::HasSubstr;

class HtcondorDescription : public HtcondorPlugin {
 protected:
  Result<Described> made() { return describe(order(), {"/spool/apf-report.key", queue_.input_files, {}, {}, false}); }
  std::string text() {
    auto d = made();
    return d ? d->text : "error: " + d.error().text();
  }
};

TEST_F(HtcondorDescription, CarriesIdentityAndLinks) {
  const std::string d = text();
  for (const char* line : {"+APF_FACTORY_ID = \"factory-1\"\n", "+APF_INSTANCE = \"i1\"\n", "+APF_RUN = 3\n",
                           "+APF_SUBMISSION = \"s-1\"\n", "+APF_INDEX = $(Process)\n", "+MATCH_APF_QUEUE = \"Q\"\n",
                           "+FACTORY_JOBID = \"factory-1#$(Cluster).$(Process)\"\n",
                           "+APF_LOGURL = \"http://h/logs/2026-11-21/Q/$(Cluster).$(Process).log\"\n",
                           "APFCID='$(Cluster).$(Process)'", "APF_INDEX='$(Process)'", "universe = vanilla\n"})
    EXPECT_THAT(d, HasSubstr(line));
  EXPECT_TRUE(d.ends_with("\nqueue 3\n"));
}

TEST_F(HtcondorDescription, ValuesCannotBreakOut) {
  queue_.arguments = {"a b", "it's", "\"q\"", "$(Cluster)", "$ENV(HOME)"};
  queue_.environment = {{"V", "x' \" $(Process)"}};
  EXPECT_THAT(text(), HasSubstr(R"(arguments = "'a b' 'it''s' '""q""' '$(DOLLAR)(Cluster)' '$(DOLLAR)ENV(HOME)'")"));
  EXPECT_THAT(text(), HasSubstr(R"(V='x'' "" $(DOLLAR)(Process)')"));
  for (const std::string bad : {"a\nqueue 5", "a\r", "\x01", "$$(Memory)"}) {
    queue_.arguments = {bad};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.arguments.clear();
  for (const std::string bad : {"A B", "1A", "", "A=B", "A'"}) {
    queue_.environment = {{bad, "v"}};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.environment = {{"V", "a\nqueue"}};
  EXPECT_FALSE(made());
  queue_.environment.clear();
  for (const std::string bad : {"Q\nqueue 7", "Q\x02", "Q\\"}) {
    queue_.name = bad;
    EXPECT_FALSE(made()) << bad;
  }
}

TEST_F(HtcondorDescription, OptionsAreChecked) {
  for (const std::string bad :
       {"queue 7", "Queue = 1", "queue=1", "x @=end", "foo", "a = b\\", "if true", "include : x = 1", "+APF_RUN = 1",
        "my.APF_SUBMISSION = 1", "a = 1\nqueue", "periodic_remove = true", "= 1"}) {
    queue_.submit.set("extra", std::vector<std::string>{bad});
    EXPECT_FALSE(made()) << bad;
  }
  queue_.submit.set("extra", std::vector<std::string>{"rank = Memory", "+Colour = \"$(Cluster)\""});
  EXPECT_TRUE(text().starts_with("rank = Memory\n+Colour = \"$(Cluster)\"\n"));
  for (const std::string bad : {"apf_run", "MATCH_APF_QUEUE", "a b", "", "1x"}) {
    queue_.submit.set("attributes", Table{{bad, "1"}});
    EXPECT_FALSE(made()) << bad;
  }
  queue_.submit.set("attributes", Table{});
  for (const std::string bad : {"a) || (b", "(a", "\"x", "a\\", " a", "a\nb"}) {
    queue_.submit.set("requirements", bad);
    EXPECT_FALSE(made()) << bad;
  }
}

TEST_F(HtcondorDescription, ResourcesHaveTheUnitsOfHtcondor) {
  queue_.submit.set("request_memory", std::int64_t{2'000'000'000});
  queue_.submit.set("request_disk", std::int64_t{1'048'577});
  queue_.submit.set("request_cpus", std::int64_t{8});
  EXPECT_THAT(text(), HasSubstr("request_memory = 1908M\nrequest_disk = 1025K\nrequest_cpus = 8\n"));
}

TEST_F(HtcondorDescription, EvictedPilotsStayDownUnlessAskedFor) {
  queue_.submit.set("requirements", std::string("HasX"));
  queue_.exclude_nodes = false;
  EXPECT_THAT(text(), HasSubstr("periodic_remove = (JobStatus == 1 && NumJobStarts > 0)\n"
                                "requirements = (HasX) && ((MY.NumJobStarts ?: 0) == 0)\n+APF_RERUN = false\n"));
  queue_.submit.set("rerun_evicted", true);
  queue_.submit.set("max_pending_time", Duration(seconds{600}));
  EXPECT_THAT(text(), HasSubstr("periodic_remove = (JobStatus == 1 && time() - EnteredCurrentStatus > 600)\n"
                                "requirements = (HasX)\n+APF_RERUN = true\n"));
}

TEST_F(HtcondorDescription, InputFilesMustArriveUnderTheirNames) {
  for (const std::string bad : {"relative", "/a,b", "/dir/", "/a/apf-report.key", "/a\nb", "http://h/x"}) {
    queue_.input_files = {bad};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.input_files = {"/a/token", "/b/token"};
  EXPECT_FALSE(made());
  queue_.input_files = {"/a dir/token", "/b/proxy"};
  EXPECT_THAT(text(), HasSubstr("transfer_input_files = /spool/apf-report.key, /a dir/token, /b/proxy\n"));
}

}  // namespace
}  // namespace apf::batch_htcondor
