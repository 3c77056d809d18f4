// Threads. `run` calls task(context, thread, threads) for every thread of `threads`, and returns when all are done.
#pragma once

namespace anaphora {

using Task = void (*)(void* context, int thread, int threads);

void run(int threads, Task task, void* context);

// Uses the OpenMP threads of this process (torch's) from now on, if it has any. A second pool would compete with them:
// they spin for a while after every operation.
bool share_openmp();

}  // namespace anaphora
