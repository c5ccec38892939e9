// A server's life: until SIGTERM or SIGINT.
//
// Thread-safety: by the main thread; block_end_signals() before any other thread starts, which then inherits it.
#pragma once

namespace apf::serve {

void block_end_signals();
void wait_for_end_signal();

}  // namespace apf::serve
