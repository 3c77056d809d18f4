// AVX-512 with products of bfloat16 and of bytes; all in float is avx512's (dispatch.cpp).
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define ISA avx512_bf16
namespace avx512_bf16 {
#include "kernels/vector.h"
#define SINGLE_KIND Kind{}
#define HAS_HALF true
#include "kernels/unit.h"
}
