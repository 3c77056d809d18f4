#define ISA avx2
#include "kernels/unit.h"
