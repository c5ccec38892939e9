// pilot-wrapper's datagrams: what is accepted survives the trip, with words that can't break a line.
#include <cstdlib>

#include "protocol/pilot_datagram.h"

using apf::protocol::read_datagram;
using apf::protocol::write_datagram;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto d = read_datagram({reinterpret_cast<const char*>(data), size});
  if (!d) return 0;
  for (const std::string* word : {&d->factory, &d->cid}) {
    if (word->empty() || word->size() > 256) std::abort();
    for (const char c : *word)
      if (c <= ' ' || c >= 0x7f) std::abort();
  }
  const std::string written = write_datagram(*d);
  if (written.size() > apf::protocol::kLongestDatagram) return 0;  // it has wider gaps
  const auto again = read_datagram(written);
  if (!again || *again != *d) std::abort();
  return 0;
}
