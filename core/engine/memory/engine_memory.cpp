// The engine's doors about memory: its limit, the activation plan and the dress rehearsal.
// Neighbours: decoder_engine.cpp has the other doors, arena.h counts.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "core/device/libtorch_memory.h"
#include "core/engine/decoder_engine.h"

namespace dayrun::engine {

using core::Error;
using core::ErrorCode;
using core::Result;

DecoderEngine::DecoderEngine(const core::Device& device, OpenAccelerator open)
    : m_device(device), m_open(std::move(open)) {
    // Other engines' blocks are no part of the process's own. A device's context is its own matter.
    if (m_open) return;
    m_overhead_bytes =
        std::max<int64_t>(0, core::resident_bytes() - host_arena().ledger().total_held());
}

DecoderEngine::~DecoderEngine() {
    release_attention_scratch();
    release_product_scratch();
    if (m_limit_bytes > 0) host_arena().ledger().set_limit(0);
}

Result<void> DecoderEngine::limit_memory(int64_t bytes) {
    if (bytes <= m_overhead_bytes) {
        return Error{
            .code = ErrorCode::OutOfHostMemory,
            .message = fmt::format("Dayrun itself takes {} of memory, and the budget is {}.",
                                   core::format_bytes(m_overhead_bytes), core::format_bytes(bytes)),
            .hint = "Raise budget.max_device_bytes."};
    }
    m_limit_bytes = bytes - m_overhead_bytes;
    return {};
}

// Of the host's memory; a device's arena was made with its own.
void DecoderEngine::apply_limit() {
    if (m_limit_bytes > 0 && m_accelerator == nullptr)
        current_arena().ledger().set_limit(m_limit_bytes);
}

void DecoderEngine::set_activation_plan(const ActivationPlan& plan) {
    const UseAccelerator device(m_accelerator.get());
    if (m_decoder != nullptr) m_decoder->set_plan(plan);
}

// Every layer one step on, so that whatever the shortage was, the next try asks for clearly less;
// offloading comes last, when no layer keeps anything but its input.
bool DecoderEngine::make_leaner() {
    if (m_decoder == nullptr) return false;
    const UseAccelerator device(m_accelerator.get());
    ActivationPlan plan = m_decoder->plan();
    const bool offloads =
        std::all_of(plan.begin(), plan.end(), [](Keep keep) { return keep >= Keep::InputOnly; });
    for (Keep& keep : plan) {
        if (keep < Keep::InputOnly) {
            keep = keep == Keep::Everything ? Keep::DropGateUp : Keep::InputOnly;
        } else if (offloads) {
            keep = Keep::Offload;
        }
    }
    const ActivationPlan before = m_decoder->plan();
    m_decoder->set_plan(plan);
    return m_decoder->plan() != before;  // in the host's memory there is nothing to offload to
}

Result<core::RehearsalFigures> DecoderEngine::rehearse(const core::PackedBatch& train,
                                                       const core::PackedBatch& eval) {
    return in_engine("rehearse the largest micro-batch", [&]() -> Result<core::RehearsalFigures> {
        TRY_VOID(check_batch(train));
        if (!eval.tokens.empty()) TRY_VOID(check_batch(eval));
        MemoryLedger& ledger = current_arena().ledger();
        ledger.reset_peaks();
        core::RehearsalFigures figures;
        core::Stopwatch watch;
        const auto seconds = [&] {
            if (m_accelerator != nullptr) m_accelerator->synchronize();
            return std::exchange(watch, core::Stopwatch()).elapsed_s();
        };
        TRY_VOID(
            accumulate(train, static_cast<double>(std::max<int64_t>(1, train.target_token_count))));
        figures.train_s = seconds();
        // A learning rate of 0 leaves every parameter as it is; a step that is not finite is
        // skipped.
        if (auto closed = apply_step(0.0); !closed.ok()) return std::move(closed).error();
        figures.apply_s = seconds();
        m_optimizer->reset();
        if (eval.target_token_count > 0) {
            if (auto told = evaluate({eval}, 0); !told.ok()) return std::move(told).error();
            figures.eval_s = seconds();
        }
        for (size_t part = 0; part < figures.part_bytes.size(); ++part) {
            figures.part_bytes[part] = ledger.peak(static_cast<MemoryPart>(part));
        }
        const int64_t overhead =
            m_accelerator != nullptr ? m_accelerator->overhead_bytes() : m_overhead_bytes;
        const int64_t libtorch = m_accelerator != nullptr ? 0 : core::held_libtorch_bytes();
        figures.part_bytes[static_cast<size_t>(MemoryPart::Libtorch)] += libtorch;
        figures.part_bytes[static_cast<size_t>(MemoryPart::Overhead)] = overhead - libtorch;
        figures.peak_bytes = overhead + ledger.total_peak();
        return figures;
    });
}

}  // namespace dayrun::engine
