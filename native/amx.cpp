// AVX-512 with products of bfloat16 and of bytes, by tiles where there are rows enough; all in float is avx512's
// (dispatch.cpp).
#include "kernels.h"
#include <immintrin.h>
#define ISA amx
namespace amx {
#include "kernels/vector.h"
#define SINGLE_KIND Kind{}
#define HAS_HALF true
#include "kernels/unit.h"
}
