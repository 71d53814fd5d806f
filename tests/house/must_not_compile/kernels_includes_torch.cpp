// Must not compile: kernels never see torch. test_must_not_compile uses the flags of the room.
#include <ATen/core/Tensor.h>
