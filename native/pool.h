// Runs task(context, thread, threads) for every thread of `threads`, and returns when all are done.
#pragma once

using Task = void (*)(void* context, int thread, int threads);

void run(int threads, Task task, void* context);

// From now on run on the OpenMP threads that this process already has (torch's), if it has any: a second pool would
// compete with theirs, which spin for a while after every operation.
bool share_openmp();
