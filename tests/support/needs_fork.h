// For tests that go on in a forked child and kill it.
#pragma once

#include <QTest>

/// First line of such a test: the thread sanitizer ends a child as soon as it starts a thread.
#if defined(__SANITIZE_THREAD__)
#define DAYRUN_NEEDS_FORK() QSKIP("a forked child can start no thread under the thread sanitizer")
#else
#define DAYRUN_NEEDS_FORK() static_cast<void>(0)
#endif
