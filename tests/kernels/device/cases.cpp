// Body of cases.h: checks, and the runner.
#include "tests/kernels/device/cases.h"

#include <chrono>
#include <cstdio>
#include <exception>

namespace dayrun::kernels::tests {

DeviceArray Case::put(const Buffer& values, int64_t offset) {
    const int64_t element = element_bytes(values.dtype());
    const auto bytes = static_cast<std::size_t>((values.count() + offset) * element);
    DeviceArray array(m_machine.allocate(bytes), offset, values.dtype(), values.count());
    m_machine.copy_in(array.data(), values.data(),
                      static_cast<std::size_t>(values.count() * element));
    return array;
}

Buffer Case::fetch(const DeviceArray& array) {
    Buffer values(array.dtype(), array.count());
    copy_out(values.data(), array.data(),
             static_cast<std::size_t>(array.count() * element_bytes(array.dtype())));
    return values;
}

void Case::copy_out(void* to, const void* from, std::size_t bytes) {
    m_machine.copy_out(to, from, bytes);
    const auto* const first = static_cast<const unsigned char*>(to);
    m_fetched.insert(m_fetched.end(), first, first + bytes);
}

void Case::launched(int status) {
    check(status == 0, "the launch answers " + std::to_string(status));
}

void Case::check(bool holds, const std::string& claim) {
    ++m_checks;
    if (!holds) m_failures.push_back(m_what + ": " + claim);
}

void Case::check_fair(const char* name, const Buffer& value, const Buffer& plain,
                      const Buffer& truth) {
    const double error = largest_error(value, truth);
    const double plain_error = largest_error(plain, truth);
    char text[160];
    std::snprintf(text, sizeof(text), "%s is %.3g off, the plain computation %.3g", name, error,
                  plain_error);
    check(error <= 2.0 * plain_error + 1.2e-7 * largest_size(truth), text);
}

void Case::check_equal(const char* name, const Buffer& value, const Buffer& expected) {
    int64_t wrong = 0;
    int64_t first = -1;
    for (int64_t i = 0; i < expected.count(); ++i) {
        const bool both_nan = std::isnan(value.at(i)) && std::isnan(expected.at(i));
        if (both_nan || value.at(i) == expected.at(i)) continue;
        if (wrong++ == 0) first = i;
    }
    check(wrong == 0, std::string(name) + " differs in " + std::to_string(wrong) +
                          " elements, first " + std::to_string(first));
}

std::string shape_text(Dtype dtype, std::initializer_list<int64_t> shape, int64_t offset) {
    std::string text = dtype == Dtype::Float32 ? "float32 [" : "bfloat16 [";
    const char* separator = "";
    for (const int64_t size : shape) {
        text += separator + std::to_string(size);
        separator = ", ";
    }
    return text + "]" + (offset != 0 ? " offset " + std::to_string(offset) : "");
}

std::vector<NamedCase> all_cases() {
    std::vector<NamedCase> all;
    for (const auto& cases : {cross_entropy_cases(), decode_attention_cases(), dora_cases(),
                              few_rows_cases(), nf4_cases(), optimizer_cases(), quantize_cases(),
                              rms_norm_cases(), rope_cases(), rows_cases(), swiglu_cases()}) {
        all.insert(all.end(), cases.begin(), cases.end());
    }
    return all;
}

namespace {

/// True when the case holds in both runs with the same bits.
bool run_twice(Machine& machine, const NamedCase& named, void (*before_run)(int run)) {
    std::vector<std::string> failures;
    std::vector<unsigned char> fetched[2];
    const auto start = std::chrono::steady_clock::now();
    int64_t checks = 0;
    for (int run = 0; run < 2; ++run) {
        before_run(run);
        Case one(machine);
        try {
            named.run(one);
        } catch (const std::exception& error) {
            one.check(false, error.what());
        }
        machine.run_only({});
        if (!one.skipped().empty()) {
            std::printf("SKIP  %s: %s\n", named.name, one.skipped().c_str());
            return true;
        }
        fetched[run] = one.fetched();
        checks += one.checks();
        failures.insert(failures.end(), one.failures().begin(), one.failures().end());
    }
    if (fetched[0] != fetched[1]) failures.push_back("the two runs differ in their bits");
    if (checks == 0) failures.push_back("the case checks nothing");
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s  %s (%lld checks, %.2f s)\n", failures.empty() ? "PASS" : "FAIL", named.name,
                static_cast<long long>(checks), seconds.count());
    for (const std::string& failure : failures) std::printf("      %s\n", failure.c_str());
    std::fflush(stdout);
    return failures.empty();
}

}  // namespace

int run_cases(Machine& machine, const std::vector<NamedCase>& cases, const std::string& filter,
              void (*before_run)(int run)) {
    int ran = 0;
    int failed = 0;
    const bool is_left_out = filter.rfind('-', 0) == 0;
    const std::string part = is_left_out ? filter.substr(1) : filter;
    for (const NamedCase& named : cases) {
        const bool has_part = std::string(named.name).find(part) != std::string::npos;
        if (has_part == is_left_out) continue;
        ++ran;
        if (!run_twice(machine, named, before_run)) ++failed;
    }
    std::printf("%d cases, %d failed\n", ran, failed);
    if (ran == 0) std::printf("no case has '%s' in its name\n", filter.c_str());
    return ran == 0 ? 1 : failed;
}

}  // namespace dayrun::kernels::tests
