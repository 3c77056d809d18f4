// AVX-512 with products of bfloat16 and int8: by matrix tiles where there are enough rows, else by vectors.
#define ISA amx
#define MULTIPLIES_BFLOAT16
#include "kernels/unit.h"
