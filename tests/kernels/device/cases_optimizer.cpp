// The optimizer's side on a device: adamw, adamw8bit, step_gate.
#include <cstring>

#include "kernels/adamw/adamw.h"
#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/step_gate/step_gate.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

/// Sizes around packs, blocks of states and chunks; one tensor is empty.
const int64_t kSizes[] = {1, 5, 256, 0, 257, 4096, 4097, 8192, 20000, 300};

/// One parameter with its states, `offset` elements off its alignment.
struct Parameter {
    Parameter(Case& c, int64_t size, unsigned seed, int64_t off)
        : count(size),
          offset(off),
          value(Buffer::normal(Dtype::Float32, size, seed)),
          m(Buffer::normal(Dtype::Float32, size, seed + 1, 0.1f)),
          v(Buffer::normal(Dtype::Float32, size, seed + 2, 0.01f)),
          grad(Buffer::normal(Dtype::Float32, size, seed + 3)),
          copy(Dtype::BFloat16, size) {
        for (int64_t i = 0; i < size; ++i) v.set(i, std::abs(v.at(i)));
        d_value = c.put(value, off);
        d_m = c.put(m, off);
        d_v = c.put(v, off);
        d_grad = c.put(grad, off);
        d_copy = c.put(copy, off);
    }
    int64_t count, offset;
    Buffer value, m, v, grad, copy;
    DeviceArray d_value, d_m, d_v, d_grad, d_copy;
};

std::vector<Parameter> make_parameters(Case& c) {
    std::vector<Parameter> all;
    for (const int64_t offset : {0, 1}) {
        for (const int64_t size : kSizes) {
            all.emplace_back(c, size, static_cast<unsigned>(10 * all.size()), offset);
        }
    }
    return all;
}

AdamwStep step_number(int64_t number) {
    AdamwStep step;
    step.learning_rate = 0.01;
    step.step = number;
    return step;
}

void adamw_with(Case& c, float scale, bool skips) {
    c.describe("scale " + std::to_string(scale) + (skips ? ", skipped" : ""));
    std::vector<Parameter> all = make_parameters(c);
    const auto d_scale = c.put_values(std::vector<float>{scale});
    const auto d_skip = c.put_values(std::vector<int32_t>{skips ? 1 : 0});
    std::vector<AdamwTensor> on_device, on_host;
    for (Parameter& one : all) {
        const bool has_copy = one.count % 2 == 1;
        const float decay = one.count % 3 == 0 ? 0.1f : 0.0f;
        on_device.push_back({one.d_value.floats(), one.d_m.floats(), one.d_v.floats(),
                             has_copy ? static_cast<bfloat16*>(one.d_copy.data()) : nullptr,
                             one.d_grad.floats(), one.count, decay});
        on_host.push_back({one.value.floats(), one.m.floats(), one.v.floats(),
                           has_copy ? static_cast<bfloat16*>(one.copy.data()) : nullptr,
                           one.grad.floats(), one.count, decay});
    }
    const auto count = static_cast<int64_t>(all.size());
    const int32_t skip = skips ? 1 : 0;
    for (int64_t number = 1; number <= 2; ++number) {
        AdamwStep step = step_number(number);
        step.grad_scale = d_scale.get();
        step.skip = d_skip.get();
        c.launched(c.ops().adamw_step(
            {.tensors = on_device.data(), .tensor_count = count, .step = step}, nullptr));
        step.grad_scale = &scale;
        step.skip = &skip;
        adamw_step({.tensors = on_host.data(), .tensor_count = count, .step = step});
    }
    for (Parameter& one : all) {
        c.check_equal("param", c.fetch(one.d_value), one.value);
        c.check_equal("m", c.fetch(one.d_m), one.m);
        c.check_equal("v", c.fetch(one.d_v), one.v);
        c.check_equal("copy", c.fetch(one.d_copy), one.copy);
    }
}

void adamw(Case& c) {
    adamw_with(c, 0.7f, false);
    adamw_with(c, 1.0f, true);
}

/// More tensors than one launch holds.
void adamw_of_many(Case& c) {
    const int64_t tensors = 800, size = 9;
    Buffer value = Buffer::normal(Dtype::Float32, tensors * size, 1);
    Buffer m(Dtype::Float32, tensors * size), v(Dtype::Float32, tensors * size);
    const Buffer grad = Buffer::normal(Dtype::Float32, tensors * size, 2);
    const DeviceArray d_value = c.put(value), d_m = c.put(m), d_v = c.put(v), d_grad = c.put(grad);
    std::vector<AdamwTensor> on_device, on_host;
    Buffer gradient = grad;
    for (int64_t i = 0; i < tensors; ++i) {
        const int64_t at = i * size;
        on_device.push_back({d_value.floats() + at, d_m.floats() + at, d_v.floats() + at, nullptr,
                             d_grad.floats() + at, size, 0.1f});
        on_host.push_back({value.floats() + at, m.floats() + at, v.floats() + at, nullptr,
                           gradient.floats() + at, size, 0.1f});
    }
    const AdamwStep step = step_number(1);
    c.describe("800 tensors");
    c.launched(c.ops().adamw_step(
        {.tensors = on_device.data(), .tensor_count = tensors, .step = step}, nullptr));
    adamw_step({.tensors = on_host.data(), .tensor_count = tensors, .step = step});
    c.check_equal("param", c.fetch(d_value), value);
    c.check_equal("v", c.fetch(d_v), v);
}

/// Three steps, so that codes of the first are read by the next; one gradient is not finite.
void adamw8bit(Case& c) {
    std::vector<Parameter> all = make_parameters(c);
    const float scale = 0.5f;
    const auto d_scale = c.put_values(std::vector<float>{scale});
    struct States {
        std::vector<uint8_t> code1, code2;
        std::vector<float> absmax1, absmax2;
        std::shared_ptr<uint8_t> d_code1, d_code2;
        std::shared_ptr<float> d_absmax1, d_absmax2;
    };
    std::vector<States> states(all.size());
    std::vector<Adamw8bitTensor> on_device, on_host;
    for (size_t i = 0; i < all.size(); ++i) {
        Parameter& one = all[i];
        States& s = states[i];
        const auto blocks = static_cast<size_t>((one.count + 255) / 256);
        s.code1.assign(static_cast<size_t>(one.count), 0);
        s.code2 = s.code1;
        s.absmax1.assign(blocks, 0.0f);
        s.absmax2 = s.absmax1;
        s.d_code1 = c.put_values(s.code1);
        s.d_code2 = c.put_values(s.code2);
        s.d_absmax1 = c.put_values(s.absmax1);
        s.d_absmax2 = c.put_values(s.absmax2);
        if (one.count == 4097) {
            one.grad.set(4000, INFINITY);
            one.d_grad = c.put(one.grad, one.offset);
        }
        const bool has_copy = one.count % 2 == 1;
        on_device.push_back({one.d_value.floats(), s.d_code1.get(), s.d_code2.get(),
                             s.d_absmax1.get(), s.d_absmax2.get(),
                             has_copy ? static_cast<bfloat16*>(one.d_copy.data()) : nullptr,
                             one.d_grad.floats(), one.count, 0.05f});
        on_host.push_back({one.value.floats(), s.code1.data(), s.code2.data(), s.absmax1.data(),
                           s.absmax2.data(),
                           has_copy ? static_cast<bfloat16*>(one.copy.data()) : nullptr,
                           one.grad.floats(), one.count, 0.05f});
    }
    const auto count = static_cast<int64_t>(all.size());
    for (int64_t number = 1; number <= 3; ++number) {
        AdamwStep step = step_number(number);
        step.grad_scale = d_scale.get();
        c.launched(c.ops().adamw8bit_step(
            {.tensors = on_device.data(), .tensor_count = count, .step = step}, nullptr));
        step.grad_scale = &scale;
        adamw8bit_reference_step({.tensors = on_host.data(), .tensor_count = count, .step = step});
    }
    for (size_t i = 0; i < all.size(); ++i) {
        const States& s = states[i];
        c.describe(std::to_string(all[i].count) + " elements");
        c.check_equal("param", c.fetch(all[i].d_value), all[i].value);
        c.check_equal("copy", c.fetch(all[i].d_copy), all[i].copy);
        c.check(c.fetch_values(s.d_code1, s.code1.size()) == s.code1, "codes of m");
        c.check(c.fetch_values(s.d_code2, s.code2.size()) == s.code2, "codes of v");
        c.check(c.fetch_values(s.d_absmax1, s.absmax1.size()) == s.absmax1, "absmax of m");
        c.check(c.fetch_values(s.d_absmax2, s.absmax2.size()) == s.absmax2, "absmax of v");
    }
}

struct Gradients {
    std::vector<Buffer> values;
    std::vector<DeviceArray> on_device;
    std::vector<GradTensor> list, d_list;
};

Gradients make_gradients(Case& c, const std::vector<int64_t>& sizes, float broken) {
    Gradients all;
    for (const int64_t size : sizes) {
        all.values.push_back(
            Buffer::normal(Dtype::Float32, size, static_cast<unsigned>(all.values.size())));
    }
    all.values.back().set(all.values.back().count() - 1, broken);
    for (Buffer& value : all.values) {
        const int64_t offset = static_cast<int64_t>(all.on_device.size() % 2);
        all.on_device.push_back(c.put(value, offset));
        all.list.push_back({value.floats(), value.count()});
        all.d_list.push_back({all.on_device.back().floats(), value.count()});
    }
    return all;
}

void close_with(Case& c, const std::vector<int64_t>& sizes, double max_norm, float broken,
                double loss, bool skips) {
    Gradients all = make_gradients(c, sizes, broken);
    StepGate gate, expected;
    gate.loss = expected.loss = loss;
    const auto d_gate = c.put_values(std::vector<StepGate>{gate});
    CloseStep p;
    p.max_norm = max_norm;
    p.skips = skips;
    p.tensor_count = static_cast<int64_t>(all.list.size());
    p.gate = d_gate.get();
    p.tensors = all.d_list.data();
    c.launched(c.ops().close_step(p, nullptr));
    gate = c.fetch_values(d_gate, 1)[0];
    p.gate = &expected;
    p.tensors = all.list.data();
    close_step(p);
    c.describe(std::to_string(sizes.size()) + " gradients, the last element " +
               std::to_string(broken));
    const bool is_number = std::isfinite(expected.norm);
    c.check(is_number ? std::abs(gate.norm - expected.norm) <= 1e-14 * expected.norm
                      : !std::isfinite(gate.norm),
            "norm " + std::to_string(gate.norm) + ", true " + std::to_string(expected.norm));
    c.check(!is_number || std::abs(gate.clip - expected.clip) <= 1e-7f * expected.clip, "clip");
    c.check(gate.skip == expected.skip, "skip");
    c.check(gate.loss == loss || std::isnan(loss), "loss stays");
}

void gate(Case& c) {
    const std::vector<int64_t> sizes = {1, 70000, 4096, 131073, 3};
    close_with(c, sizes, 1.0, 0.5f, 2.0, false);
    close_with(c, sizes, 0.0, 0.5f, 2.0, false);
    close_with(c, sizes, 1e9, 0.5f, 2.0, false);
    close_with(c, sizes, 1.0, INFINITY, 2.0, false);
    close_with(c, sizes, 1.0, NAN, 2.0, false);
    close_with(c, sizes, 1.0, 0.5f, NAN, false);
    close_with(c, sizes, 1.0, 0.5f, 2.0, true);
    close_with(c, {7}, 1.0, 3e38f, 2.0, false);  // its square is no float32
    close_with(c, std::vector<int64_t>(1500, 2), 1.0, 0.5f, 2.0, false);
}

void losses(Case& c) {
    for (const int64_t count : {1, 255, 8193}) {
        const Buffer values = Buffer::normal(Dtype::Float32, count, 1);
        const DeviceArray d_values = c.put(values);
        StepGate start;
        start.loss = 1.5;
        const auto d_gate = c.put_values(std::vector<StepGate>{start});
        AddLosses p;
        p.gate = d_gate.get();
        p.losses = d_values.floats();
        p.count = count;
        p.divisor = 12.0;
        c.launched(c.ops().add_losses(p, nullptr));
        double sum = 0;
        for (int64_t i = 0; i < count; ++i) sum += values.at(i);
        const double expected = 1.5 + sum / 12.0;
        c.describe(std::to_string(count) + " losses");
        c.check(std::abs(c.fetch_values(d_gate, 1)[0].loss - expected) <=
                    1e-14 * static_cast<double>(count),
                "their sum");
    }
}

}  // namespace

std::vector<NamedCase> optimizer_cases() {
    return {{"adamw", &adamw},
            {"adamw of many tensors", &adamw_of_many},
            {"adamw8bit", &adamw8bit},
            {"step_gate close", &gate},
            {"step_gate losses", &losses}};
}

}  // namespace dayrun::kernels::tests
