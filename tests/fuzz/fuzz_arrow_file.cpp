// libFuzzer's door to read_arrow_file of arrow_files.h. Built with -DDAYRUN_FUZZ=ON and clang only.
#include "tests/fuzz/arrow_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    dayrun::fuzz::read_arrow_file(data, size);
    return 0;
}
