// CHECK: for what only a programmer's mistake can break. In debug builds it aborts at the spot; in
// release builds it throws CheckFailed, which the nearest door (RunSession, a job, main) turns into
// an Internal error with the location, so that a window full of work survives.
#pragma once

#include <stdexcept>
#include <string>

namespace dayrun::core {

class CheckFailed : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
#ifdef NDEBUG
    throw CheckFailed(std::string(file) + ":" + std::to_string(line) + ": " + condition);
#else
    // RelWithDebInfo defines NDEBUG; only a Debug build stops here.
    __builtin_printf("%s:%d: CHECK(%s) failed\n", file, line, condition);
    __builtin_abort();
#endif
}

}  // namespace dayrun::core

// libtorch's logging defines a CHECK of its own, which aborts: ours replaces it in the engine.
#undef CHECK
#define CHECK(condition) \
    ((condition) ? void(0) : ::dayrun::core::check_failed(#condition, __FILE__, __LINE__))
