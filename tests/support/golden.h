// Golden files: tests/golden/NAME holds what a form looked like when it was agreed on. APF_UPDATE_GOLDEN=1 writes it
// anew; the difference then stands in the commit.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace apf::test {

inline void expect_golden(const std::string& name, const std::string& now) {
  const std::string file = std::string(APF_SOURCE_DIR) + "/tests/golden/" + name;
  if (std::getenv("APF_UPDATE_GOLDEN") != nullptr) {  // NOLINT(concurrency-mt-unsafe): tests have one thread here
    std::ofstream(file) << now;
    return;
  }
  std::ifstream in(file);
  ASSERT_TRUE(in) << file << " is missing; run the test with APF_UPDATE_GOLDEN=1 and look at what it wrote";
  std::stringstream agreed;
  agreed << in.rdbuf();
  EXPECT_EQ(now, agreed.str()) << "differs from " << file
                               << "; if that is meant, run the test with APF_UPDATE_GOLDEN=1";
}

}  // namespace apf::test
