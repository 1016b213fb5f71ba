#include "vit_abi.h"
