// A library that runs as soon as it is loaded and ends the program with a number of its own: lies
// in a test's folder under the names of libraries that Dayrun needs.
#include <unistd.h>

namespace {

[[gnu::constructor]] void run_when_loaded() {
    constexpr char kSaid[] = "code of the current folder ran\n";
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kSaid, sizeof kSaid - 1);
    ::_exit(66);
}

}  // namespace
