// Which instruction sets this processor has.
#pragma once
#include <vector>

#include "kernels.h"

std::vector<const Kernels*> available();  // best first; the last one, portable, runs everywhere
