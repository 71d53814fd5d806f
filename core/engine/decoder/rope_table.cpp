// Rotary frequencies and their tables. Neighbour: rope_table.h.
#include "core/engine/decoder/rope_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/engine/device/host_mirror.h"

namespace dayrun::engine {
namespace {

using core::RopeScaling;

constexpr double kTwoPi = 2.0 * std::numbers::pi;

// Long wavelengths are stretched by the factor, short ones kept, those between blended.
double llama3_frequency(double frequency, const RopeScaling& scaling) {
    const double original = static_cast<double>(scaling.original_max_position_embeddings);
    const double wavelength = kTwoPi / frequency;
    if (wavelength < original / scaling.high_freq_factor) return frequency;
    if (wavelength > original / scaling.low_freq_factor) return frequency / scaling.factor;
    const double smooth = (original / wavelength - scaling.low_freq_factor) /
                          (scaling.high_freq_factor - scaling.low_freq_factor);
    return (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
}

struct YarnRamp {
    double low = 0;
    double high = 0;
};

YarnRamp yarn_ramp(const core::ModelConfig& config) {
    const RopeScaling& scaling = config.rope_scaling;
    const auto dim = static_cast<double>(config.rotary_dim);
    const double original = scaling.original_max_position_embeddings > 0
                                ? static_cast<double>(scaling.original_max_position_embeddings)
                                : static_cast<double>(config.max_position_embeddings);
    const auto correction = [&](double rotations) {
        return dim * std::log(original / (rotations * kTwoPi)) /
               (2.0 * std::log(config.rope_theta));
    };
    YarnRamp ramp{correction(scaling.beta_fast), correction(scaling.beta_slow)};
    if (scaling.truncate) ramp = {std::floor(ramp.low), std::ceil(ramp.high)};
    ramp = {std::max(ramp.low, 0.0), std::min(ramp.high, dim - 1.0)};
    if (ramp.low == ramp.high) ramp.high += 0.001;
    return ramp;
}

double yarn_attention_factor(const RopeScaling& scaling) {
    const auto magnitude = [&](double mscale) {
        return scaling.factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(scaling.factor) + 1.0;
    };
    if (scaling.attention_factor) return *scaling.attention_factor;
    if (scaling.mscale && scaling.mscale_all_dim) {
        return magnitude(*scaling.mscale) / magnitude(*scaling.mscale_all_dim);
    }
    return magnitude(1.0);
}

double scaled_frequency(double frequency, int64_t index, const core::ModelConfig& config,
                        const YarnRamp& ramp) {
    const RopeScaling& scaling = config.rope_scaling;
    switch (scaling.kind) {
        case RopeScaling::Kind::Linear:
            return frequency / scaling.factor;
        case RopeScaling::Kind::Llama3:
            return llama3_frequency(frequency, scaling);
        case RopeScaling::Kind::Yarn: {
            const double share = std::clamp(
                (static_cast<double>(index) - ramp.low) / (ramp.high - ramp.low), 0.0, 1.0);
            return frequency / scaling.factor * share + frequency * (1.0 - share);
        }
        case RopeScaling::Kind::Dynamic:  // up to max_position_embeddings it changes nothing
        default:
            return frequency;
    }
}

}  // namespace

core::Result<void> check_rope_length(const core::ModelConfig& config, int64_t length) {
    const int64_t longest = config.max_position_embeddings;
    if (config.rope_scaling.kind != RopeScaling::Kind::Dynamic || length <= longest) return {};
    return core::Error{
        .code = core::ErrorCode::Unsupported,
        .message = fmt::format("A text of {} tokens is longer than the {} from which on this "
                               "base's dynamic rope scaling turns each length by other angles, "
                               "which Dayrun does not have.",
                               length, longest),
        .hint = fmt::format("Keep texts to {} tokens (tokens.max_seq_len), or choose another base.",
                            longest)};
}

RopeTable RopeTable::make(const core::ModelConfig& config) {
    RopeTable table;
    table.m_theta = config.rope_theta;
    const YarnRamp ramp =
        config.rope_scaling.kind == RopeScaling::Kind::Yarn ? yarn_ramp(config) : YarnRamp{};
    for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
        const double exponent =
            2.0 * static_cast<double>(i) / static_cast<double>(config.rotary_dim);
        const double frequency = 1.0 / std::pow(config.rope_theta, exponent);
        table.m_frequency.push_back(
            static_cast<float>(scaled_frequency(frequency, i, config, ramp)));
    }
    if (config.rope_scaling.kind == RopeScaling::Kind::Yarn) {
        table.m_attention_factor = static_cast<float>(yarn_attention_factor(config.rope_scaling));
    }
    return table;
}

void RopeTable::ensure(int64_t rows, int64_t ntk_alpha) {
    if (rows <= m_rows && ntk_alpha == m_ntk_alpha) return;
    rows = std::max(rows, m_rows);
    const auto half = static_cast<int64_t>(m_frequency.size());
    if (rows > m_rows) {
        m_cos = Buffer(rows * half * 4, MemoryPart::Buffers);
        m_sin = Buffer(rows * half * 4, MemoryPart::Buffers);
    }
    std::vector<float> frequency = m_frequency;
    if (ntk_alpha != 1) {
        const double dim = 2.0 * static_cast<double>(half);
        const double base = m_theta * std::pow(static_cast<double>(ntk_alpha), dim / (dim - 2.0));
        for (int64_t i = 0; i < half; ++i) {
            frequency[static_cast<size_t>(i)] =
                static_cast<float>(1.0 / std::pow(base, 2.0 * static_cast<double>(i) / dim));
        }
    }
    const HostMirror cos(m_cos.data(), rows * half * 4, MirrorUse::Write);
    const HostMirror sin(m_sin.data(), rows * half * 4, MirrorUse::Write);
    for (int64_t p = 0; p < rows; ++p) {
        for (int64_t i = 0; i < half; ++i) {
            // The product is rounded to float32 first, as the checkpoints' own code does.
            const float angle = static_cast<float>(p) * frequency[static_cast<size_t>(i)];
            cos.floats()[p * half + i] = std::cos(angle) * m_attention_factor;
            sin.floats()[p * half + i] = std::sin(angle) * m_attention_factor;
        }
    }
    m_rows = rows;
    m_ntk_alpha = ntk_alpha;
}

int64_t dynamic_ntk_alpha(const core::ModelConfig& config, int64_t length) {
    if (!config.use_dynamic_ntk || config.seq_length <= 0 || length <= config.seq_length) return 1;
    const double ratio = static_cast<double>(length) / static_cast<double>(config.seq_length);
    return std::max<int64_t>(1,
                             (int64_t{1} << std::llround(std::ceil(std::log2(ratio) + 1.0))) - 1);
}

float logn_scale(const core::ModelConfig& config, int64_t position) {
    if (!config.use_logn_attn || config.seq_length <= 1 || position < config.seq_length) return 1;
    return static_cast<float>(std::log(static_cast<double>(position + 1)) /
                              std::log(static_cast<double>(config.seq_length)));
}

}  // namespace dayrun::engine
