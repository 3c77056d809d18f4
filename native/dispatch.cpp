#include "dispatch.h"

namespace {

#if defined(__x86_64__)
Kernels with_single_of(const Kernels& other, Kernels own) {
    own.kinds[SINGLE] = other.kinds[SINGLE];
    return own;
}

bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#endif

}  // namespace

std::vector<const Kernels*> available() {
    std::vector<const Kernels*> found;
#if defined(__x86_64__)
    static const Kernels bf16 = with_single_of(avx512::kernels, avx512_bf16::kernels);
    if (has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"))
        found.push_back(&bf16);
    if (has_avx512()) found.push_back(&avx512::kernels);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2::kernels);
#endif
    found.push_back(&portable::kernels);
    return found;
}
