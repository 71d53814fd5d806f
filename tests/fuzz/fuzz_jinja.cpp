// libFuzzer's door to read_chat_template of readers.h. Built with -DDAYRUN_FUZZ=ON and clang only.
#include "tests/fuzz/readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    dayrun::fuzz::read_chat_template(data, size);
    return 0;
}
