// Lets the test classes of a room share one executable. Each tests/<room>/test_<x>.cpp ends with
//     DAYRUN_TEST(TestX)
//     #include "test_<x>.moc"
// and runs alone as `test_<room> test_<x>`; without an argument all of them run.
#pragma once

#include <QObject>
#include <memory>

namespace dayrun::tests {

/// Makes one test object; called once per process.
using MakeTest = std::unique_ptr<QObject> (*)();

/// Remembers a test class under the base name of the file that defines it. Returns true.
bool register_test(const char* file, MakeTest make);

}  // namespace dayrun::tests

#define DAYRUN_TEST(Class)                                                 \
    static const bool s_registered_##Class = dayrun::tests::register_test( \
        __FILE__, []() -> std::unique_ptr<QObject> { return std::make_unique<Class>(); });
