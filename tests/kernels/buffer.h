// Typed buffers of random values and how far two of them are apart. No Qt, so that the device tests
// run on machines without it too.
// Neighbours: kernel_support.h, device/. Test thread only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/common/dtype.h"

namespace dayrun::kernels::tests {

/// Elements of either type under one name.
class Buffer {
  public:
    Buffer(Dtype dtype, int64_t count)
        : m_dtype(dtype), m_bytes(static_cast<size_t>(count * element_bytes(dtype))) {}

    /// Normally distributed values, rounded to the type.
    static Buffer normal(Dtype dtype, int64_t count, unsigned seed, float scale = 1.0f) {
        Buffer buffer(dtype, count);
        std::mt19937 generator(seed);
        std::normal_distribution<float> distribution(0.0f, scale);
        for (int64_t i = 0; i < count; ++i) buffer.set(i, distribution(generator));
        return buffer;
    }
    /// The same values in another type.
    Buffer as(Dtype dtype) const {
        Buffer copy(dtype, count());
        for (int64_t i = 0; i < count(); ++i) copy.set(i, at(i));
        return copy;
    }

    int64_t count() const { return static_cast<int64_t>(m_bytes.size()) / element_bytes(m_dtype); }
    Dtype dtype() const { return m_dtype; }
    void* data() { return m_bytes.data(); }
    const void* data() const { return m_bytes.data(); }
    float* floats() { return reinterpret_cast<float*>(m_bytes.data()); }
    float at(int64_t i) const {
        if (m_dtype == Dtype::Float32) return reinterpret_cast<const float*>(m_bytes.data())[i];
        return to_float(reinterpret_cast<const bfloat16*>(m_bytes.data())[i]);
    }
    void set(int64_t i, float value) {
        if (m_dtype == Dtype::Float32) {
            reinterpret_cast<float*>(m_bytes.data())[i] = value;
        } else {
            reinterpret_cast<bfloat16*>(m_bytes.data())[i] = to_bfloat16(value);
        }
    }
    /// The element from `i` on, for slices of a fused buffer.
    void* from(int64_t i) { return m_bytes.data() + i * element_bytes(m_dtype); }

    friend bool operator==(const Buffer& a, const Buffer& b) { return a.m_bytes == b.m_bytes; }

  private:
    Dtype m_dtype;
    std::vector<unsigned char> m_bytes;
};

inline double largest_error(const Buffer& value, const Buffer& truth) {
    double error = 0.0;
    for (int64_t i = 0; i < truth.count(); ++i) {
        const double difference = std::abs(static_cast<double>(value.at(i)) - truth.at(i));
        error = std::max(error, std::isnan(difference) ? INFINITY : difference);
    }
    return error;
}

inline double largest_size(const Buffer& value) {
    double size = 0.0;
    for (int64_t i = 0; i < value.count(); ++i) {
        size = std::max(size, std::abs(static_cast<double>(value.at(i))));
    }
    return size;
}

}  // namespace dayrun::kernels::tests
