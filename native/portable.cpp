#include "kernels.h"
#if __has_include(<immintrin.h>)
#include <immintrin.h>
#endif
#define ISA portable
namespace portable {
#include "kernels/vector.h"
#include "kernels/unit.h"
}
