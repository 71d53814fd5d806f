// The cases of the device kernels: one list for the emulator and for a GPU. A case puts inputs on
// the machine, launches through the table, fetches results and compares them with the references
// by the fair rule (house rule 3). Everything fetched is kept as bytes: the runner goes through
// each case twice (emulated: threads in the other order) and wants the same bits.
// Neighbours: machine.h, cases_<op>.cpp. Test thread only.
#pragma once

#include <string>
#include <vector>

#include "tests/kernels/buffer.h"
#include "tests/kernels/device/machine.h"

namespace dayrun::kernels::tests {

/// Elements on the machine, `offset` elements after an address that is 256-byte aligned.
class DeviceArray {
  public:
    DeviceArray() = default;
    DeviceArray(std::shared_ptr<void> memory, int64_t offset, Dtype dtype, int64_t count)
        : m_memory(std::move(memory)), m_offset(offset), m_dtype(dtype), m_count(count) {}

    void* data() const {
        return static_cast<unsigned char*>(m_memory.get()) + m_offset * element_bytes(m_dtype);
    }
    float* floats() const { return static_cast<float*>(data()); }
    void* from(int64_t i) const {
        return static_cast<unsigned char*>(data()) + i * element_bytes(m_dtype);
    }
    Dtype dtype() const { return m_dtype; }
    int64_t count() const { return m_count; }

  private:
    std::shared_ptr<void> m_memory;
    int64_t m_offset = 0;
    Dtype m_dtype = Dtype::Float32;
    int64_t m_count = 0;
};

/// One case being run.
class Case {
  public:
    explicit Case(Machine& machine) : m_machine(machine) {}

    const DeviceOps& ops() const { return m_machine.ops(); }
    Machine& machine() { return m_machine; }

    /// A copy of `values` on the machine, `offset` elements off its alignment.
    DeviceArray put(const Buffer& values, int64_t offset = 0);
    template <class Value>
    std::shared_ptr<Value> put_values(const std::vector<Value>& values) {
        const std::size_t bytes = values.size() * sizeof(Value);
        auto memory = std::static_pointer_cast<Value>(m_machine.allocate(bytes));
        m_machine.copy_in(memory.get(), values.data(), bytes);
        return memory;
    }
    Buffer fetch(const DeviceArray& array);
    template <class Value>
    std::vector<Value> fetch_values(const std::shared_ptr<Value>& memory, std::size_t count) {
        std::vector<Value> values(count);
        copy_out(values.data(), memory.get(), count * sizeof(Value));
        return values;
    }
    /// Into host memory, kept for the comparison of the two runs.
    void copy_out(void* to, const void* from, std::size_t bytes);

    /// What the following checks are about, for messages: the shape, the type.
    void describe(std::string what) { m_what = std::move(what); }
    void launched(int status);
    void check(bool holds, const std::string& claim);
    /// House rule 3, with `plain` the computation of the same type on the CPU. Where the truth is 0
    /// or tiny, two float32 roundings of its largest value are free.
    void check_fair(const char* name, const Buffer& value, const Buffer& plain,
                    const Buffer& truth);
    void check_equal(const char* name, const Buffer& value, const Buffer& expected);
    /// This machine cannot run the case (memory).
    void skip(std::string why) { m_skipped = std::move(why); }

    const std::vector<std::string>& failures() const { return m_failures; }
    const std::vector<unsigned char>& fetched() const { return m_fetched; }
    const std::string& skipped() const { return m_skipped; }
    int64_t checks() const { return m_checks; }

  private:
    Machine& m_machine;
    std::string m_what;
    std::string m_skipped;
    std::vector<std::string> m_failures;
    std::vector<unsigned char> m_fetched;
    int64_t m_checks = 0;
};

struct NamedCase {
    const char* name;
    void (*run)(Case&);
};

/// Every case of the kernels, in the order of the files' names.
std::vector<NamedCase> all_cases();

/// "bfloat16 [3, 4096] offset 1"
std::string shape_text(Dtype dtype, std::initializer_list<int64_t> shape, int64_t offset = 0);

constexpr Dtype kBothDtypes[] = {Dtype::Float32, Dtype::BFloat16};

/// The lists of the files, joined by all_cases().
std::vector<NamedCase> cross_entropy_cases();
std::vector<NamedCase> decode_attention_cases();
std::vector<NamedCase> dora_cases();
std::vector<NamedCase> few_rows_cases();
std::vector<NamedCase> nf4_cases();
std::vector<NamedCase> optimizer_cases();
std::vector<NamedCase> quantize_cases();
std::vector<NamedCase> rms_norm_cases();
std::vector<NamedCase> rope_cases();
std::vector<NamedCase> rows_cases();
std::vector<NamedCase> swiglu_cases();
/// Of the emulator itself: not among all_cases().
std::vector<NamedCase> emulator_cases();

/// Runs the cases whose name contains `filter` (lacks it, when it begins with '-'), each twice with
/// before_run(0) and before_run(1); prints what failed, what was skipped and a closing line.
/// Returns the number of failed cases.
int run_cases(Machine& machine, const std::vector<NamedCase>& cases, const std::string& filter,
              void (*before_run)(int run));

}  // namespace dayrun::kernels::tests
