// AVX-512 with products of bfloat16 and int8.
#define ISA avx512_bf16
#define MULTIPLIES_BFLOAT16
#include "kernels/unit.h"
