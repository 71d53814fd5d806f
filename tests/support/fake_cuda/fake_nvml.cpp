// A stand-in for NVIDIA's NVML: one card with fixed figures, which refuses to tell its power limit.
// Neighbour: core/device/card_monitor.cpp. Any thread.
#include <cstring>

extern "C" {

#define DAYRUN_EXPORT __attribute__((visibility("default")))

DAYRUN_EXPORT int nvmlInit_v2() {
    return 0;
}
DAYRUN_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** card) {
    static int s_card = 0;
    *card = &s_card;
    return std::strcmp(bus, "00000000:01:00.0") == 0 ? 0 : 6;  // 6: not found
}
DAYRUN_EXPORT int nvmlDeviceGetMemoryInfo(void*, unsigned long long* total_free_used) {
    total_free_used[0] = 80ULL << 30;
    total_free_used[1] = 60ULL << 30;
    total_free_used[2] = 20ULL << 30;
    return 0;
}
DAYRUN_EXPORT int nvmlDeviceGetUtilizationRates(void*, unsigned* gpu_memory) {
    gpu_memory[0] = 98;
    gpu_memory[1] = 40;
    return 0;
}
DAYRUN_EXPORT int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
    *milliwatts = 412'345;
    return 0;
}
DAYRUN_EXPORT int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned*) {
    return 3;  // not supported
}
DAYRUN_EXPORT int nvmlDeviceGetTemperature(void*, unsigned, unsigned* degrees) {
    *degrees = 61;
    return 0;
}
DAYRUN_EXPORT int nvmlDeviceGetClockInfo(void*, unsigned kind, unsigned* megahertz) {
    *megahertz = kind == 1 ? 1980 : 3201;
    return 0;
}

}  // extern "C"
