// Wall and process time, and text of both. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dayrun::core {

/// Measures elapsed seconds from its construction; steady, never jumps with the wall clock.
class Stopwatch {
  public:
    Stopwatch() : m_start(std::chrono::steady_clock::now()) {}
    double elapsed_s() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
    }
    double elapsed_ms() const { return 1000.0 * elapsed_s(); }

  private:
    std::chrono::steady_clock::time_point m_start;
};

/// Seconds since 1970-01-01 UTC, with fractions.
double unix_time_s();
/// "2026-11-24T05:12:31Z" of a unix time.
std::string iso_time(double unix_seconds);
/// "06:12" in the user's time zone, for "finishes 06:12".
std::string clock_time(double unix_seconds);
/// CPU seconds used so far by all threads of this process.
double process_cpu_s();
/// Host memory that the process holds now, and at most so far, in bytes.
int64_t resident_bytes();
int64_t peak_resident_bytes();

}  // namespace dayrun::core
