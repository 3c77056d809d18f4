#include "kernels.h"
#if __has_include(<immintrin.h>)
#include <immintrin.h>
#endif
#define ISA avx512
namespace avx512 {
#include "kernels/vector.h"
#include "kernels/unit.h"
}
