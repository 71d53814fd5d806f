// libFuzzer's door to read_flat_row of data_readers.h. Built with -DDAYRUN_FUZZ=ON and clang only.
#include "tests/fuzz/data_readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    dayrun::fuzz::read_flat_row(data, size);
    return 0;
}
