// NVML through dlopen: its few calls are declared here, since its header comes with the toolkit and
// this file is built without one. The interface is stable: versioned names never change.
// Neighbour: card_monitor.h.
#include "core/device/card_monitor.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <vector>

#include "core/base/units.h"

namespace dayrun::core {
namespace {

// As in NVML's documentation; 0 is success everywhere.
using Handle = void*;
struct Memory {
    unsigned long long total, free, used;
};
struct Utilization {
    unsigned gpu, memory;
};
constexpr unsigned kTemperatureOfGpu = 0;
constexpr unsigned kClockOfCores = 1;
constexpr unsigned kClockOfMemory = 2;

/// The calls, looked up once per process; `is_there` when the library answered.
struct Nvml {
    int (*init)() = nullptr;
    int (*by_pci)(const char*, Handle*) = nullptr;
    int (*memory)(Handle, Memory*) = nullptr;
    int (*utilization)(Handle, Utilization*) = nullptr;
    int (*power)(Handle, unsigned*) = nullptr;
    int (*power_limit)(Handle, unsigned*) = nullptr;
    int (*temperature)(Handle, unsigned, unsigned*) = nullptr;
    int (*clock)(Handle, unsigned, unsigned*) = nullptr;
    bool is_there = false;
};

template <class Call>
void find(void* library, Call& call, const char* name) {
    call = reinterpret_cast<Call>(dlsym(library, name));
}

// DAYRUN_NVML names another library: tests put a stand-in there.
Nvml open_library() {
    const char* const chosen = std::getenv("DAYRUN_NVML");
    void* const library = dlopen(
        chosen != nullptr && *chosen != '\0' ? chosen : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    Nvml nvml;
    if (library == nullptr) return nvml;
    find(library, nvml.init, "nvmlInit_v2");
    find(library, nvml.by_pci, "nvmlDeviceGetHandleByPciBusId_v2");
    find(library, nvml.memory, "nvmlDeviceGetMemoryInfo");
    find(library, nvml.utilization, "nvmlDeviceGetUtilizationRates");
    find(library, nvml.power, "nvmlDeviceGetPowerUsage");
    find(library, nvml.power_limit, "nvmlDeviceGetEnforcedPowerLimit");
    find(library, nvml.temperature, "nvmlDeviceGetTemperature");
    find(library, nvml.clock, "nvmlDeviceGetClockInfo");
    nvml.is_there = nvml.init != nullptr && nvml.by_pci != nullptr && nvml.init() == 0;
    return nvml;
}

const Nvml& nvml() {
    static const Nvml s_nvml = open_library();
    return s_nvml;
}

// The value that `call` writes, or nothing where it is missing or refuses.
template <class Value, class Call, class... Arguments>
std::optional<Value> ask(Call call, Arguments... arguments) {
    Value value{};
    if (call == nullptr || call(arguments..., &value) != 0) return std::nullopt;
    return value;
}

std::optional<double> watts(std::optional<unsigned> milliwatts) {
    if (!milliwatts) return std::nullopt;
    return static_cast<double>(*milliwatts) / 1000;
}

std::optional<int> whole(std::optional<unsigned> value) {
    if (!value) return std::nullopt;
    return static_cast<int>(*value);
}

class NvmlMonitor : public CardMonitor {
  public:
    explicit NvmlMonitor(Handle card) : m_card(card) {}

    CardReading read() override {
        CardReading reading;
        if (const auto memory = ask<Memory>(nvml().memory, m_card)) {
            reading.used_bytes = static_cast<int64_t>(memory->used);
            reading.total_bytes = static_cast<int64_t>(memory->total);
        }
        if (const auto load = ask<Utilization>(nvml().utilization, m_card)) {
            reading.utilization_percent = static_cast<int>(load->gpu);
        }
        reading.power_w = watts(ask<unsigned>(nvml().power, m_card));
        reading.power_limit_w = watts(ask<unsigned>(nvml().power_limit, m_card));
        reading.temperature_c = whole(ask<unsigned>(nvml().temperature, m_card, kTemperatureOfGpu));
        reading.core_clock_mhz = whole(ask<unsigned>(nvml().clock, m_card, kClockOfCores));
        reading.memory_clock_mhz = whole(ask<unsigned>(nvml().clock, m_card, kClockOfMemory));
        return reading;
    }

  private:
    Handle m_card;
};

}  // namespace

std::string to_text(const CardReading& reading) {
    std::vector<std::string> parts;
    if (reading.used_bytes && reading.total_bytes) {
        parts.push_back(fmt::format("{} of {} used", format_bytes(*reading.used_bytes),
                                    format_bytes(*reading.total_bytes)));
    }
    if (reading.temperature_c) parts.push_back(fmt::format("{} °C", *reading.temperature_c));
    if (reading.power_w && reading.power_limit_w) {
        parts.push_back(
            fmt::format("{:.0f} of {:.0f} W", *reading.power_w, *reading.power_limit_w));
    } else if (reading.power_w) {
        parts.push_back(fmt::format("{:.0f} W", *reading.power_w));
    }
    if (reading.utilization_percent) {
        parts.push_back(fmt::format("{} % busy", *reading.utilization_percent));
    }
    if (reading.core_clock_mhz) parts.push_back(fmt::format("{} MHz", *reading.core_clock_mhz));
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::unique_ptr<CardMonitor> CardMonitor::open(const std::string& pci_bus_id) {
    if (!nvml().is_there) return nullptr;
    Handle card = nullptr;
    if (nvml().by_pci(pci_bus_id.c_str(), &card) != 0) return nullptr;
    return std::make_unique<NvmlMonitor>(card);
}

}  // namespace dayrun::core
