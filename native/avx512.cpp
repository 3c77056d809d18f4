#define ISA avx512
#include "kernels/unit.h"
