#include "pool.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace anaphora {
namespace {

void run_serially(int threads, Task task, void* context) {
    for (int thread = 0; thread < threads; ++thread) task(context, thread, threads);
}

// Threads that wait for work. The pool runs one job at a time; a caller that finds it busy runs its job by itself.
class Pool {
   public:
    bool run(int threads, Task task, void* context) {
        std::unique_lock<std::mutex> job_lock(busy_, std::try_to_lock);
        if (!job_lock) return false;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            while (int(workers_.size()) < threads - 1) {
                const int thread = int(workers_.size()) + 1;
                workers_.emplace_back([this, thread, seen = job_] { work(thread, seen); });
                workers_.back().detach();
            }
            task_ = task, context_ = context, threads_ = threads, left_ = threads - 1;
            ++job_;
        }
        start_.notify_all();
        task(context, 0, threads);
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return left_ == 0; });
        return true;
    }

   private:
    void work(int thread, int64_t seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            start_.wait(lock, [&] { return job_ != seen; });
            seen = job_;
            if (thread >= threads_) continue;
            const Task task = task_;
            void* const context = context_;
            const int threads = threads_;
            lock.unlock();
            task(context, thread, threads);
            lock.lock();
            if (--left_ == 0) done_.notify_one();
        }
    }

    std::mutex busy_, mutex_;
    std::condition_variable start_, done_;
    std::vector<std::thread> workers_;
    int64_t job_ = 0;
    Task task_ = nullptr;
    void* context_ = nullptr;
    int threads_ = 0, left_ = 0;
};

// Never deleted: its threads wait until the process ends. A forked child has none of them and makes a new pool.
std::atomic<Pool*> pool{nullptr};

// libgomp's entry points, as its compilers call them.
using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
using Number = int (*)();
std::atomic<Parallel> omp_parallel{nullptr};
Number omp_thread, omp_threads, omp_in_parallel;

struct Job {
    int threads;
    Task task;
    void* context;
};

void openmp_job(void* data) {
    const Job& job = *static_cast<Job*>(data);
    const int step = omp_threads();  // OpenMP may run fewer threads than asked for
    for (int thread = omp_thread(); thread < job.threads; thread += step) job.task(job.context, thread, job.threads);
}

#if defined(__unix__) || defined(__APPLE__)
void forget_after_fork() {
    pool = nullptr;
    omp_parallel = nullptr;  // in a child, libgomp waits for ever for the parent's threads
}
const int fork_handler = pthread_atfork(nullptr, nullptr, forget_after_fork);
#endif

}  // namespace

bool share_openmp() {
#if defined(__linux__)
    const auto symbol = [](const char* name) { return dlsym(RTLD_DEFAULT, name); };
    omp_thread = reinterpret_cast<Number>(symbol("omp_get_thread_num"));
    omp_threads = reinterpret_cast<Number>(symbol("omp_get_num_threads"));
    omp_in_parallel = reinterpret_cast<Number>(symbol("omp_in_parallel"));
    if (omp_thread && omp_threads && omp_in_parallel)
        omp_parallel = reinterpret_cast<Parallel>(symbol("GOMP_parallel"));
#endif
    return omp_parallel != nullptr;
}

void run(int threads, Task task, void* context) {
    if (threads <= 1) return run_serially(threads, task, context);
    if (const Parallel parallel = omp_parallel) {
        if (omp_in_parallel()) return run_serially(threads, task, context);
        Job job{threads, task, context};
        return parallel(openmp_job, &job, unsigned(threads), 0);
    }
    Pool* current = pool;
    if (!current) {
        Pool* const created = new Pool;
        if (pool.compare_exchange_strong(current, created)) current = created;
        else delete created;
    }
    if (!current->run(threads, task, context)) run_serially(threads, task, context);
}

}  // namespace anaphora
