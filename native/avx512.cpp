#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define ISA avx512
namespace avx512 {
#include "kernels/vector.h"
#define SINGLE_KIND Any<Single>::kind
#define HAS_HALF false
#include "kernels/unit.h"
}
