// The main() of every test executable: runs the registered classes named on the command line.
#include "tests/support/test_registry.h"

#include <QCoreApplication>
#include <QTest>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace dayrun::tests {
namespace {

struct Entry {
    std::string name;
    MakeTest make;
};

std::vector<Entry>& entries() {
    static std::vector<Entry> s_entries;
    return s_entries;
}

}  // namespace

bool register_test(const char* file, MakeTest make) {
    entries().push_back({std::filesystem::path(file).stem().string(), make});
    return true;
}

// A room that needs more than a QCoreApplication (the ui room) defines this symbol itself.
__attribute__((weak)) std::unique_ptr<QCoreApplication> make_application(int& argc, char** argv) {
    return std::make_unique<QCoreApplication>(argc, argv);
}

}  // namespace dayrun::tests

int main(int argc, char** argv) {
    using namespace dayrun::tests;
    std::string wanted;
    if (argc > 1 && argv[1][0] != '-') {
        wanted = argv[1];
        std::memmove(argv + 1, argv + 2, sizeof(char*) * static_cast<size_t>(argc - 1));
        --argc;
    }
    const auto application = make_application(argc, argv);
    int failures = 0;
    int ran = 0;
    for (const Entry& entry : entries()) {
        if (!wanted.empty() && wanted != entry.name) continue;
        const auto test = entry.make();
        failures += QTest::qExec(test.get(), argc, argv);
        ++ran;
    }
    if (ran == 0) {
        std::fprintf(stderr, "No test is called '%s'.\n", wanted.c_str());
        return 2;
    }
    return failures == 0 ? 0 : 1;
}
