// The only place where exceptions of memory, devices, libraries and CHECK end: every door of the
// engine runs its body through guarded(). Lives on the run thread; torch-free.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/base/result.h"
#include "core/base/units.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/memory/ledger.h"

namespace dayrun::engine {

inline core::Error out_of_memory(const char* action) {
    return {.code = core::ErrorCode::OutOfHostMemory,
            .message = std::string("The computer's memory is not enough to ") + action + ".",
            .hint = "Lower tokens.max_seq_len or batch.micro_batch_size, or close other programs."};
}

inline core::Error over_budget(const char* action, const OverBudget& over) {
    return {.code = core::ErrorCode::OutOfHostMemory,
            .message = std::string("To ") + action + " takes " +
                       core::format_bytes(over.needed_bytes) + ", and the budget leaves " +
                       core::format_bytes(over.limit_bytes) + " for it.",
            .hint =
                "Raise budget.max_device_bytes, or lower tokens.max_seq_len or "
                "batch.micro_batch_size."};
}

inline core::Error out_of_device_memory(const char* action) {
    return {.code = core::ErrorCode::OutOfGpuMemory,
            .message = std::string("The card's memory is not enough to ") + action +
                       ": Dayrun holds " +
                       core::format_bytes(accelerator()->arena().ledger().total_held()) +
                       " of it, and needs more at one time.",
            .hint =
                "Lower tokens.max_seq_len or batch.micro_batch_size, or use quantization.base: "
                "nf4."};
}

inline core::Error device_failure(const char* action, const DeviceFailure& failure) {
    const std::string reason = failure.action + ": " + failure.sentence;
    if (failure.is_lost) {
        return {.code = core::ErrorCode::KernelFailed,
                .message = std::string("The card stopped working while trying to ") + action +
                           " (" + failure.sentence + ").",
                .hint =
                    "Start Dayrun again and continue the run: its last checkpoint is kept. Look "
                    "at nvidia-smi if it happens again.",
                .detail = reason};
    }
    return {.code = core::ErrorCode::KernelFailed,
            .message = std::string("The card could not ") + action + " (" + reason + ").",
            .hint = "Look at `dayrun doctor`, or use --device cpu.",
            .detail = reason};
}

/// Runs `body`, which returns a core::Result; exceptions become Errors.
template <class Body>
auto guarded(const char* action, Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (const OverBudget& over) {
        return over_budget(action, over);
    } catch (const DeviceFailure& failure) {
        return device_failure(action, failure);
    } catch (const std::bad_alloc&) {
        if (accelerator() != nullptr) return out_of_device_memory(action);
        return out_of_memory(action);
    } catch (const core::CheckFailed& failed) {
        return core::Error{.code = core::ErrorCode::Internal,
                           .message = std::string("Dayrun could not ") + action + ".",
                           .hint = "This is a fault of Dayrun; please report it with the log.",
                           .detail = failed.what()};
    } catch (const ComputationFailed& failed) {
        return core::Error{.code = core::ErrorCode::KernelFailed,
                           .message = std::string("A computation failed while trying to ") +
                                      action + ": " + failed.reason,
                           .detail = failed.reason};
    } catch (const std::exception& failed) {
        return core::Error{
            .code = core::ErrorCode::Internal,
            .message = std::string("Dayrun could not ") + action + ": " + failed.what(),
            .detail = failed.what()};
    }
}

}  // namespace dayrun::engine
