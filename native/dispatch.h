// The instruction sets that this processor has.
#pragma once
#include <vector>

#include "kernels.h"

namespace anaphora {

std::vector<const Kernels*> available();  // best first; the last one, portable, runs everywhere

}  // namespace anaphora
