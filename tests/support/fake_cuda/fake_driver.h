// Puts the stand-in for the driver in place: before a stand-in for the plug-in is opened. One
// thread.
#pragma once

#include <dlfcn.h>

namespace dayrun::tests {

/// Stays until the process ends, as the program keeps what it finds.
inline bool load_fake_driver() {
    return dlopen(DAYRUN_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL) != nullptr;
}

}  // namespace dayrun::tests
