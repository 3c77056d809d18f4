#define ISA portable
#include "kernels/unit.h"
