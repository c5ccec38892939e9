// A view: what one poll of a source said, and since when it is true.
#pragma once

#include <string>

#include "apf/time.h"

namespace apf {

template <class T>
struct View {
  T data{};
  Wall as_of{};           // when the source says this was true; 0: the time of the query
  bool complete = false;  // everything the source has was looked at; absence means something only then
  std::string evidence;   // how it was obtained, for people: "condor_q on schedd1, 812 rows"
  std::string cursor;     // hand back at the next poll ("" at first)
};

}  // namespace apf
