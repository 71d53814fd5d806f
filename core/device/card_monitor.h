// What a card does right now: memory, load, power, temperature and clocks, asked of the driver's
// NVML library, which is opened at run time; a computer without it has no readings and no error.
// Neighbours: cuda_probe.h finds the cards; `dayrun doctor` and the trainer ask. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace dayrun::core {

/// A figure that the driver does not tell is empty: cards differ in what they measure.
struct CardReading {
    std::optional<int64_t> used_bytes;  // by all programs
    std::optional<int64_t> total_bytes;
    std::optional<int> utilization_percent;  // of the time that kernels ran
    std::optional<double> power_w;
    std::optional<double> power_limit_w;
    std::optional<int> temperature_c;
    std::optional<int> core_clock_mhz;
    std::optional<int> memory_clock_mhz;
};

/// "41.2 of 79.6 GiB used, 61 °C, 412 of 700 W, 98 % busy, 1980 MHz": what there is of it.
std::string to_text(const CardReading& reading);

class CardMonitor {
  public:
    /// The card on this PCI bus ("00000000:01:00.0", as CUDA names it); null without NVML or
    /// without such a card.
    static std::unique_ptr<CardMonitor> open(const std::string& pci_bus_id);
    virtual ~CardMonitor() = default;
    virtual CardReading read() = 0;
};

}  // namespace dayrun::core
