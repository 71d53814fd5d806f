// NF4 files: what is written reads back to the kernel's codes, the reference's tensors under
// bitsandbytes' names read to the reference's values, the cache is found, kept, renewed and
// rebuilt, and every kind of damage is told in a sentence.
#include <QTest>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/checksum.h"
#include "core/quantize/nf4_cache.h"
#include "core/quantize/nf4_writer.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun;
using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::string kWeight = "model.layers.0.mlp.up_proj.weight";  // [12, 8]

struct Model {
    Folder folder;
    ModelConfig config;
    WeightMap map;

    Model() {
        write_tiny_model(folder.path());
        config = *read_model_config(folder.path());
        map = make_weight_map(config);
    }
    CheckpointFiles files() const { return *CheckpointFiles::open(folder.path()); }
    Result<Nf4Cache> cache(const Nf4Options& options = {}) const {
        const CheckpointFiles opened = files();
        TensorSums sums(opened);
        return open_nf4_cache(folder.path(), opened, map, options, sums);
    }
};

FindTensor finder(const SafetensorsFile& file) {
    return [&file](std::string_view name) { return file.find(name); };
}

std::vector<float> dequantized(const SafetensorsFile& file, const std::string& weight,
                               const std::vector<int64_t>& shape) {
    const auto tensor = read_nf4_tensor(finder(file), weight, shape);
    if (!tensor.ok()) {
        qWarning("%s", tensor.error().text().c_str());
        return {};
    }
    std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]));
    dequantize(*tensor, values);
    return values;
}

std::vector<float> floats_of(const TensorView& view) {
    std::vector<float> values(view.bytes.size() / 4);
    std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
    return values;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = a.size() == b.size() && !a.empty() ? 0 : INFINITY;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
    }
    return largest;
}

void touch(const std::filesystem::path& path) {
    std::filesystem::last_write_time(
        path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
}

void flip_byte(const std::filesystem::path& path, int64_t from_end) {
    std::string text = *read_file(path);
    text[text.size() - static_cast<size_t>(from_end)] ^= 0x10;
    std::ofstream(path, std::ios::binary) << text;
}

void flip_in(const std::filesystem::path& path, const std::string& tensor) {
    std::string bytes = *read_file(path);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    const auto tensors = nlohmann::json::parse(bytes.substr(8, header));
    const size_t at = 8 + header + tensors.at(tensor).at("data_offsets").at(0).get<size_t>();
    bytes[at + 2] ^= 0x10;
    std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

class TestNf4Files : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void reference_tensors_data() {
        QTest::addColumn<int>("number");
        for (int i = 0; i < 3; ++i) QTest::addRow("case %d", i) << i;
    }
    // The reference's own tensors under the names of a checkpoint: codes equal to ours, and values
    // equal to its own.
    void reference_tensors() {
        QFETCH(int, number);
        DAYRUN_REQUIRE_SHARED(goldens, "goldens/nf4");
        const auto golden =
            SafetensorsFile::open(goldens / ("case" + std::to_string(number) + ".safetensors"));
        QVERIFY(golden.ok());
        const auto of = [&](const char* name) { return (*golden)->find(name); };
        const std::vector<int64_t> shape = of("weight")->shape;
        const Folder folder;
        TensorSet base;
        base.add("w.weight", shape, floats_of(*of("weight")));
        QVERIFY(base.write(folder / "model.safetensors").ok());
        const auto files = CheckpointFiles::open(folder.path());
        for (const bool is_nested : {true, false}) {
            const auto written = folder / (is_nested ? "double.safetensors" : "plain.safetensors");
            QVERIFY(write_nf4(written, {.files = *files,
                                        .quantized = {{"w.weight", shape}},
                                        .options = {.double_quant = is_nested}})
                        .ok());
            const auto file = SafetensorsFile::open(written);
            QVERIFY(file.ok());
            const auto is_equal = [&](const char* ours, const char* theirs) {
                const TensorView* const a = (*file)->find(ours);
                const TensorView* const b = of(theirs);
                return a->shape == b->shape && a->dtype == b->dtype &&
                       std::memcmp(a->bytes.data(), b->bytes.data(), a->bytes.size()) == 0;
            };
            QVERIFY(is_equal("w.weight", is_nested ? "packed" : "plain_packed"));
            QVERIFY(is_equal("w.weight.absmax", is_nested ? "absmax_u8" : "plain_absmax"));
            QVERIFY(is_equal("w.weight.quant_map", "code"));
            if (is_nested) {
                QVERIFY(largest_difference(floats_of(*(*file)->find("w.weight.nested_absmax")),
                                           floats_of(*of("nested_absmax"))) < 1e-6);
            }
            const double off =
                largest_difference(dequantized(**file, "w.weight", shape),
                                   floats_of(*of(is_nested ? "dequantized" : "plain_dequantized")));
            QVERIFY2(off < 1e-6, qPrintable(QString::number(off)));
        }
    }

    void state_is_what_bitsandbytes_writes() {
        QCOMPARE(to_json({.shape = {4096, 1024},
                          .dtype = TensorDtype::BFloat16,
                          .is_nested = true,
                          .nested_offset = 0.0625F}),
                 std::string(R"({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", )"
                             R"("shape": [4096, 1024], "nested_blocksize": 256, )"
                             R"("nested_dtype": "float32", "nested_offset": 0.0625})"));
        QCOMPARE(to_json({.shape = {2, 3}, .block_size = 128}),
                 std::string(R"({"quant_type": "nf4", "blocksize": 128, "dtype": "float32", )"
                             R"("shape": [2, 3]})"));
    }

    void cache_is_made_once_and_found_again() {
        const Model model;
        const auto open = [&](const Nf4Options& options) { return model.cache(options); };
        const auto made = open({});
        QVERIFY2(made.ok(), made.ok() ? "" : made.error().text().c_str());
        QCOMPARE(made->use, Nf4CacheUse::Made);
        QCOMPARE(made->path.parent_path(), model.folder / ".dayrun-cache");
        const std::vector<float> values = dequantized(*made->file, kWeight, {12, 8});
        QVERIFY(!values.empty());
        const auto found = open({});
        QCOMPARE(found->use, Nf4CacheUse::Found);
        QVERIFY(dequantized(*found->file, kWeight, {12, 8}) == values);
        // Other settings have their own file.
        QCOMPARE(open({.block_size = 32, .double_quant = false})->use, Nf4CacheUse::Made);
        QCOMPARE(open({})->use, Nf4CacheUse::Found);
    }

    void cache_follows_the_weights_and_not_their_date() {
        const Model model;
        const auto open = [&] { return model.cache(); };
        QCOMPARE(open()->use, Nf4CacheUse::Made);
        touch(model.folder / "model.safetensors");
        QCOMPARE(open()->use, Nf4CacheUse::Found);  // the same weights under another date
        // Other weights under the same date: another download, or `cp -p`.
        const auto date = std::filesystem::last_write_time(model.folder / "model.safetensors");
        flip_in(model.folder / "model.safetensors", kWeight);
        std::filesystem::last_write_time(model.folder / "model.safetensors", date);
        QCOMPARE(open()->use, Nf4CacheUse::MadeAgain);
        QCOMPARE(open()->use, Nf4CacheUse::Found);  // made again by the call before, now fresh
    }

    void damaged_cache_is_made_again() {
        const Model model;
        const auto open = [&] { return model.cache(); };
        const auto first = open();
        const std::vector<float> values = dequantized(*first->file, kWeight, {12, 8});
        const std::filesystem::path path = first->path;
        flip_byte(path, 7);
        QCOMPARE(open()->use, Nf4CacheUse::MadeAgain);
        std::filesystem::resize_file(path, 100);
        const auto again = open();
        QCOMPARE(again->use, Nf4CacheUse::MadeAgain);
        QVERIFY(dequantized(*again->file, kWeight, {12, 8}) == values);
        write_text(std::filesystem::path(path).replace_extension(".json"), "{\"format\": 7}");
        QCOMPARE(open()->use, Nf4CacheUse::MadeAgain);
        QCOMPARE(open()->use, Nf4CacheUse::Found);
    }

    void read_only_model_is_cached_at_the_users() {
        const Model model;
        const Folder home;
        qputenv("XDG_CACHE_HOME", home.path().c_str());
        namespace fs = std::filesystem;
        const auto write =
            fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
        fs::permissions(model.folder.path(), write, fs::perm_options::remove);
        const auto made = model.cache();
        fs::permissions(model.folder.path(), fs::perms::owner_write, fs::perm_options::add);
        qunsetenv("XDG_CACHE_HOME");
        QVERIFY2(made.ok(), made.ok() ? "" : made.error().text().c_str());
        QVERIFY(made->path.string().starts_with((home / "dayrun").string()));
        QVERIFY(!fs::exists(model.folder / ".dayrun-cache"));
    }

    void infinite_weights_are_refused_by_name() {
        const Model model;
        TensorSet tensors;
        for (const WeightInfo& weight : weights_of(model.config, model.map)) {
            int64_t count = 1;
            for (const int64_t size : weight.shape) count *= size;
            std::vector<float> values = pattern_values(count, 1);
            if (weight.name == kWeight) values[20] = INFINITY;
            tensors.add(weight.name, weight.shape, std::move(values));
        }
        QVERIFY(tensors.write(model.folder / "model.safetensors").ok());
        const auto refused = model.cache();
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::NotFinite);
        QVERIFY(refused.error().message.find(kWeight) != std::string::npos);
        QVERIFY(!std::filesystem::exists(model.folder / ".dayrun-cache/nf4-64-double.safetensors"));
    }

    void block_sizes_that_do_not_exist_are_refused() {
        for (const int64_t size : {16, 48, 100, 8192}) {
            QVERIFY(!check_nf4_options({.block_size = size}).ok());
        }
        for (const int64_t size : {32, 64, 128, 256, 512, 1024, 2048, 4096}) {
            QVERIFY(check_nf4_options({.block_size = size}).ok());
        }
    }

    void damaged_states_are_refused_data() {
        QTest::addColumn<QString>("state");
        QTest::newRow("no json") << "weights";
        QTest::newRow("fp4") << R"({"quant_type": "fp4", "blocksize": 64, "shape": [12, 8]})";
        QTest::newRow("block") << R"({"quant_type": "nf4", "blocksize": 48, "shape": [12, 8]})";
        QTest::newRow("no shape") << R"({"quant_type": "nf4", "blocksize": 64})";
        QTest::newRow("shape") << R"({"quant_type": "nf4", "blocksize": 64, "shape": [12, 9]})";
        QTest::newRow("negative") << R"({"quant_type": "nf4", "blocksize": 64, "shape": [-12, 8]})";
        QTest::newRow("no offset") << R"({"quant_type": "nf4", "blocksize": 64, "shape": [12, 8],
                                          "nested_blocksize": 256})";
        QTest::newRow("nested where plain")
            << R"({"quant_type": "nf4", "blocksize": 64, "shape": [12, 8],
                   "nested_blocksize": 256, "nested_offset": 0.5})";
    }
    void damaged_states_are_refused() {
        QFETCH(QString, state);
        const Model model;
        const auto files = model.files();
        const auto path = model.folder / "q.safetensors";
        QVERIFY(write_nf4(path, {.files = files,
                                 .quantized = {{kWeight, {12, 8}}},
                                 .options = {.double_quant = false}})
                    .ok());
        const auto file = SafetensorsFile::open(path);
        const std::string text = state.toStdString();
        TensorView damaged{.name = kWeight + ".quant_state.bitsandbytes__nf4",
                           .dtype = TensorDtype::UInt8,
                           .shape = {static_cast<int64_t>(text.size())},
                           .bytes = std::as_bytes(std::span(text))};
        const FindTensor find = [&](std::string_view name) {
            return name == damaged.name ? &damaged : (*file)->find(name);
        };
        const auto read = read_nf4_tensor(find, kWeight, {12, 8});
        QVERIFY(!read.ok());
        QVERIFY2(!read.error().message.empty(), read.error().message.c_str());
    }

    void checksums_see_every_bit() {
        const auto of = [](const std::string& text) {
            Checksum checksum;
            checksum.add(text);
            return checksum.hex();
        };
        const std::string text(101, 'x');
        std::set<std::string> seen{of(text), of(text + '\0'), of("")};
        for (size_t i = 0; i < text.size(); ++i) {
            for (int bit = 0; bit < 8; ++bit) {
                std::string other = text;
                other[i] = static_cast<char>(other[i] ^ (1 << bit));
                seen.insert(of(other));
            }
        }
        QCOMPARE(seen.size(), 3 + 8 * text.size());
    }
};

DAYRUN_TEST(TestNf4Files)
#include "test_nf4_files.moc"
