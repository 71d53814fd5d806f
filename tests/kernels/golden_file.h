// Reads the tensors of a reference .safetensors file (float32 and uint8 only), for kernel tests
// that must not depend on core. Test thread only; throws on a damaged file, which fails the test.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace dayrun::kernels::tests {

class GoldenFile {
  public:
    explicit GoldenFile(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        m_bytes.assign(std::istreambuf_iterator<char>(file), {});
        if (m_bytes.size() < 8) throw std::runtime_error("no safetensors file: " + path.string());
        uint64_t header_bytes = 0;
        std::memcpy(&header_bytes, m_bytes.data(), 8);
        m_start = 8 + header_bytes;
        m_header = nlohmann::json::parse(m_bytes.begin() + 8,
                                         m_bytes.begin() + static_cast<std::ptrdiff_t>(m_start));
    }
    std::vector<float> floats(const std::string& name) const { return read<float>(name); }
    std::vector<uint8_t> codes(const std::string& name) const { return read<uint8_t>(name); }
    bool has(const std::string& name) const { return m_header.contains(name); }
    std::vector<int64_t> shape(const std::string& name) const {
        return m_header.at(name).at("shape").get<std::vector<int64_t>>();
    }

  private:
    template <class T>
    std::vector<T> read(const std::string& name) const {
        const auto offsets = m_header.at(name).at("data_offsets").get<std::vector<size_t>>();
        std::vector<T> values((offsets.at(1) - offsets.at(0)) / sizeof(T));
        std::memcpy(values.data(), m_bytes.data() + m_start + offsets[0],
                    values.size() * sizeof(T));
        return values;
    }
    std::vector<char> m_bytes;
    size_t m_start = 0;
    nlohmann::json m_header;
};

}  // namespace dayrun::kernels::tests
