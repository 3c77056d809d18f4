#include "dispatch.h"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

bool has_bf16() {
    return has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
}

#if defined(__linux__)
// Linux gives tiles to a process that asks for them, once and for all its threads and children.
bool has_tiles() {
#if defined(ANAPHORA_MODEL_TILES)
    return true;
#else
    constexpr long REQUEST = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           __builtin_cpu_supports("amx-int8") && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#endif
}
#endif
#endif

}  // namespace

std::vector<const Kernels*> available() {
    std::vector<const Kernels*> found;
#if defined(__x86_64__)
    static const Kernels bf16 = with_single_of(avx512::kernels, avx512_bf16::kernels);
#if defined(__linux__)
    static const Kernels tiles = with_single_of(avx512::kernels, amx::kernels);
    static const bool can_tiles = has_bf16() && has_tiles();
    if (can_tiles) found.push_back(&tiles);
#endif
    if (has_bf16()) found.push_back(&bf16);
    if (has_avx512()) found.push_back(&avx512::kernels);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2::kernels);
#endif
    found.push_back(&portable::kernels);
    return found;
}
