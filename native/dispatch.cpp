#include "dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace {

#if defined(__x86_64__)
Kernels with_single_of(const Kernels& other, Kernels own) {
    own.kinds[SINGLE] = other.kinds[SINGLE];
    return own;
}

// What the processor computes and the system keeps of its registers (Intel SDM, CPUID and XCR0). The compilers' own
// word for it, __builtin_cpu_supports, has no library behind it on Windows.
struct Processor {
    bool avx2 = false, avx512 = false, avx512_bf16 = false, amx = false;

    Processor() {
        unsigned a = 0, b = 0, c = 0, d = 0, kept = 0, above = 0;
        const auto has = [](unsigned bits, int bit) { return (bits >> bit & 1) != 0; };
        if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, 27)) return;  // OSXSAVE: there is an XCR0
        const bool fma = has(c, 12) && has(c, 28);
        __asm__("xgetbv" : "=a"(kept), "=d"(above) : "c"(0));
        if ((kept & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
        avx2 = fma && has(b, 5);
        avx512 = avx2 && (kept & 0xe0) == 0xe0 && has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31);  // F DQ BW VL
        const bool vnni = has(c, 11), tiles = has(d, 22) && has(d, 24) && has(d, 25);  // AMX-BF16, TILE, INT8
        avx512_bf16 = avx512 && vnni && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, 5);
        amx = avx512_bf16 && may_use_tiles(tiles && (kept & 0x60000) == 0x60000);
    }

    // Linux gives tiles to a process that asks for them, once and for all its threads and children.
    static bool may_use_tiles([[maybe_unused]] bool there) {
#if defined(ANAPHORA_MODEL_TILES)
        return true;
#elif defined(__linux__)
        constexpr long REQUEST = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
        return there && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
        return false;
#endif
    }
};
#endif

}  // namespace

std::vector<const Kernels*> available() {
    std::vector<const Kernels*> found;
#if defined(__x86_64__)
    static const Processor processor;
#if defined(__linux__)
    static const Kernels tiles = with_single_of(avx512::kernels, amx::kernels);
    if (processor.amx) found.push_back(&tiles);
#endif
    static const Kernels bf16 = with_single_of(avx512::kernels, avx512_bf16::kernels);
    if (processor.avx512_bf16) found.push_back(&bf16);
    if (processor.avx512) found.push_back(&avx512::kernels);
    if (processor.avx2) found.push_back(&avx2::kernels);
#endif
    found.push_back(&portable::kernels);
    return found;
}
