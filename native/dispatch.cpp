#include "dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace anaphora {
namespace {

#if defined(__x86_64__)
Kernels with_float32_of(const Kernels& other, Kernels kernels) {
    kernels.precisions[FLOAT32] = other.precisions[FLOAT32];
    return kernels;
}

// What the processor supports and the system saves of its registers (Intel SDM, CPUID and XCR0). The compilers'
// __builtin_cpu_supports does not link on Windows.
struct Processor {
    bool avx2 = false, avx512 = false, avx512_bf16 = false, amx = false;

    Processor() {
        unsigned a = 0, b = 0, c = 0, d = 0, saved = 0, above = 0;
        const auto has = [](unsigned bits, int bit) { return (bits >> bit & 1) != 0; };
        if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, 27)) return;  // OSXSAVE: XCR0 exists
        const bool fma = has(c, 12) && has(c, 28);
        __asm__("xgetbv" : "=a"(saved), "=d"(above) : "c"(0));
        if ((saved & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
        avx2 = fma && has(b, 5);
        avx512 = avx2 && (saved & 0xe0) == 0xe0 && has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31);  // F DQ BW VL
        const bool vnni = has(c, 11), tiles = has(d, 22) && has(d, 24) && has(d, 25);  // AMX-BF16, TILE, INT8
        avx512_bf16 = avx512 && vnni && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, 5);
        amx = avx512_bf16 && may_use_tiles(tiles && (saved & 0x60000) == 0x60000);
    }

    // Linux lets a process use tiles if it asks. The permission covers all its threads and children.
    static bool may_use_tiles([[maybe_unused]] bool supported) {
#if defined(ANAPHORA_MODEL_TILES)
        return true;
#elif defined(__linux__)
        constexpr long REQUEST = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
        return supported && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
        return false;
#endif
    }
};
#endif

}  // namespace

std::vector<const Kernels*> available() {
    std::vector<const Kernels*> result;
#if defined(__x86_64__)
    static const Processor processor;
#if defined(__linux__)
    static const Kernels tiles = with_float32_of(avx512::kernels, amx::kernels);
    if (processor.amx) result.push_back(&tiles);
#endif
    static const Kernels bf16 = with_float32_of(avx512::kernels, avx512_bf16::kernels);
    if (processor.avx512_bf16) result.push_back(&bf16);
    if (processor.avx512) result.push_back(&avx512::kernels);
    if (processor.avx2) result.push_back(&avx2::kernels);
#endif
    result.push_back(&portable::kernels);
    return result;
}

}  // namespace anaphora
