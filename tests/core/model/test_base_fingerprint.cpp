// What a base is: sums that see every byte and are kept for exactly the file they were taken of,
// and fingerprints that differ when, and only when, the model does.
#include <QTest>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/rng.h"
#include "core/model/base_fingerprint.h"
#include "core/model/files/kept_sums.h"
#include "core/model/tensor_sums.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

// Long after any file of the test was written.
double much_later() {
    return unix_time_s() + 3600;
}

SumsByTensor sums_of(const std::filesystem::path& folder, double now_s = unix_time_s()) {
    const auto files = CheckpointFiles::open(folder);
    if (!files.ok()) return {};
    TensorSums sums(*files, now_s);
    sums.finish();
    return sums.sums();
}

BaseFingerprint fingerprint(const std::filesystem::path& folder) {
    const auto files = CheckpointFiles::open(folder);
    TensorSums sums(*files);
    sums.finish();
    return fingerprint_of(folder, *files, sums).value();
}

// In place, so that size and inode stay; the dates are set back as `touch -r` would.
void overwrite(const std::filesystem::path& path, size_t at_from_end, char flip) {
    const auto date = std::filesystem::last_write_time(path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-static_cast<std::streamoff>(at_from_end), std::ios::end);
    const auto place = file.tellg();
    char byte = 0;
    file.get(byte);
    file.seekp(place);
    file.put(static_cast<char>(byte ^ flip));
    file.close();
    std::filesystem::last_write_time(path, date);
}

std::filesystem::path weights(const Folder& folder) {
    return folder / "model.safetensors";
}

}  // namespace

class TestBaseFingerprint : public QObject {
    Q_OBJECT

    std::unique_ptr<Folder> m_home;

    std::filesystem::path kept_file() const {
        for (const auto& entry : std::filesystem::directory_iterator(*m_home / "dayrun/bases")) {
            return entry.path();
        }
        return {};
    }

  private Q_SLOTS:
    void init() {
        m_home = std::make_unique<Folder>();
        qputenv("XDG_CACHE_HOME", m_home->path().c_str());
    }
    void cleanup() { qunsetenv("XDG_CACHE_HOME"); }

    // Lengths around the pieces that a tensor is summed in, and a flipped bit in each of them.
    void sums_see_every_piece() {
        const Folder folder;
        constexpr int64_t kPiece = 4 << 20;
        std::set<std::string> seen;
        for (const int64_t bytes :
             {int64_t{0}, int64_t{1}, kPiece - 1, kPiece, kPiece + 1, 2 * kPiece + 3}) {
            std::vector<uint8_t> values(static_cast<size_t>(bytes), 7);
            const auto write = [&] {
                return write_safetensors(weights(folder),
                                         {{.name = "w",
                                           .dtype = TensorDtype::UInt8,
                                           .shape = {bytes},
                                           .bytes = std::as_bytes(std::span(values))}})
                    .ok();
            };
            QVERIFY(write());
            seen.insert(sums_of(folder.path()).at("w"));
            size_t expected = seen.size();
            for (int64_t at = 0; at < bytes; at += std::max<int64_t>(1, bytes / 3)) {
                values[static_cast<size_t>(at)] ^= 1;
                QVERIFY(write());
                seen.insert(sums_of(folder.path()).at("w"));
                QCOMPARE(seen.size(), ++expected);
            }
        }
    }

    void sums_are_kept_for_the_very_same_file() {
        const Folder folder;
        write_tiny_model(folder.path());
        const SumsByTensor first = sums_of(folder.path(), much_later());
        QVERIFY(!first.empty());
        const auto stamp = stamp_of(weights(folder)).value();
        QVERIFY(kept_sums(stamp) == std::optional(first));
        // They are what is used: a false sum in an intact file is believed.
        SumsByTensor marked = first;
        marked.begin()->second = "marked";
        keep_sums(stamp, marked);
        QVERIFY(sums_of(folder.path()) == marked);
        // Any other state of the file has none.
        for (FileStamp other : {FileStamp(stamp), FileStamp(stamp), FileStamp(stamp)}) {
            other.modified_ns += 1;
            QVERIFY(!kept_sums(other));
        }
    }

    // The date says nothing: another program can set it back.
    void a_changed_file_of_equal_size_and_date_is_summed_again() {
        const Folder folder;
        write_tiny_model(folder.path());
        const SumsByTensor before = sums_of(folder.path(), much_later());
        overwrite(weights(folder), 3, 0x10);
        const SumsByTensor after = sums_of(folder.path());
        int differ = 0;
        for (const auto& [name, sum] : before) differ += after.at(name) != sum;
        QCOMPARE(differ, 1);
    }

    void sums_of_a_file_just_written_are_not_kept() {
        const Folder folder;
        write_tiny_model(folder.path());
        sums_of(folder.path());
        QVERIFY(!kept_sums(stamp_of(weights(folder)).value()));
    }

    void damaged_kept_sums_are_as_good_as_none() {
        const Folder folder;
        write_tiny_model(folder.path());
        const SumsByTensor right = sums_of(folder.path(), much_later());
        const std::string text = read_file(kept_file()).value();
        QVERIFY(text.size() > 100);
        for (size_t i = 0; i < text.size(); i += 7) {
            std::string other = text;
            other[i] = static_cast<char>(other[i] ^ 1);
            QVERIFY(write_file(kept_file(), other).ok());
            QVERIFY2(sums_of(folder.path()) == right, std::to_string(i).c_str());
        }
        for (const char* foreign : {"", "[]", "{\"content\": 7, \"sum\": 7}", "{\"sum\": {}}"}) {
            QVERIFY(write_file(kept_file(), foreign).ok());
            QVERIFY(sums_of(folder.path()) == right);
        }
    }

    void without_a_cache_folder_they_are_taken_anew() {
        const Folder folder;
        write_tiny_model(folder.path());
        const QByteArray home = qgetenv("HOME");
        qunsetenv("XDG_CACHE_HOME");
        qunsetenv("HOME");
        const SumsByTensor sums = sums_of(folder.path(), much_later());
        qputenv("HOME", home);
        QVERIFY(!sums.empty());
        QVERIFY(sums == sums_of(folder.path()));
    }

    void fingerprints_follow_the_model_and_not_its_files() {
        const Folder folder, other;
        write_tiny_model(folder.path());
        write_tiny_model(other.path());
        const BaseFingerprint base = fingerprint(folder.path());
        QCOMPARE(fingerprint(other.path()).sha256(), base.sha256());
        // As another program or a newer version of it writes the same config.
        auto config = nlohmann::json::parse(read_file(folder / "config.json").value());
        config["transformers_version"] = "9.9";
        config["_name_or_path"] = "elsewhere";
        config["use_cache"] = true;
        config["rope_scaling"] = nullptr;
        config["dtype"] = config.value("torch_dtype", "float32");
        config.erase("torch_dtype");
        for (auto& value : config) {
            if (value.is_number_integer()) value = value.get<double>();
        }
        QVERIFY(write_file(other / "config.json", config.dump(7)).ok());
        QCOMPARE(difference(base, fingerprint(other.path())), std::string());
        QCOMPARE(fingerprint(other.path()).sha256(), base.sha256());
    }

    // Every field and every tensor counts, each by its name.
    void every_change_is_named() {
        const Folder folder;
        write_tiny_model(folder.path());
        const BaseFingerprint base = fingerprint(folder.path());
        const auto fields = nlohmann::json::parse(base.config);
        for (const auto& [key, value] : fields.items()) {
            auto config = fields;
            config[key] = "other";
            const BaseFingerprint is{.config = config.dump(), .tensors = base.tensors};
            QVERIFY(difference(base, is).starts_with(key + " was "));
            QVERIFY(is.sha256() != base.sha256());
        }
        for (const auto& [name, figure] : base.tensors) {
            BaseFingerprint is = base;
            is.tensors[name].checksum = "0";
            QVERIFY(difference(base, is).ends_with(", the first is " + name));
            QVERIFY(is.sha256() != base.sha256());
            is.tensors[name] = figure;
            is.tensors[name].dtype = "F16";
            QVERIFY(is.sha256() != base.sha256() && !difference(base, is).empty());
            is.tensors.erase(name);
            QVERIFY(is.sha256() != base.sha256());
            QVERIFY(difference(base, is).find("is gone, the first is " + name) !=
                    std::string::npos);
            QVERIFY(difference(is, base).find("1 tensor new, the first is " + name) !=
                    std::string::npos);
        }
    }

    void fingerprints_are_written_and_read() {
        const Folder folder;
        write_tiny_model(folder.path());
        const BaseFingerprint base = fingerprint(folder.path());
        QVERIFY(parse_fingerprint(to_json(base), "it").value() == base);
        for (const char* bad : {"", "[]", "{}", "{\"format\":2,\"config\":{},\"tensors\":{}}",
                                "{\"format\":1,\"config\":{},\"tensors\":{\"w\":[1,2]}}"}) {
            const auto refused = parse_fingerprint(bad, "the file");
            QVERIFY(!refused.ok());
            QVERIFY(refused.error().message.find("the file") != std::string::npos);
        }
    }
};

DAYRUN_TEST(TestBaseFingerprint)
#include "test_base_fingerprint.moc"
