// Where an export may be written and what it leaves alone: strangers' files, projects, what it
// reads, and a person's own files beside an earlier export.
#include <unistd.h>
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/export/export_folder.h"
#include "core/records/project.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::pair<std::string, std::string>>;  // name, content

ExportFolderRequest request_for(const fs::path& out, const Files& files, bool force = false) {
    ExportFolderRequest request{.out = out, .force = force};
    for (const auto& [name, content] : files) request.files.emplace_back(name);
    return request;
}

/// An export of these files; empty when it went well, else why not.
std::string exported(const fs::path& out, const Files& files, bool force = false) {
    const auto folder = ExportFolder::open(request_for(out, files, force));
    if (!folder.ok()) return folder.error().text();
    for (const auto& [name, content] : files) write_text((*folder)->staging() / name, content);
    const auto published = (*folder)->publish();
    return published.ok() ? "" : published.error().text();
}

std::string text_of(const fs::path& file) {
    const auto text = read_file(file);
    return text.ok() ? *text : "(none)";
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Names of all files below the folder but the list, in order.
std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string name = entry.path().lexically_relative(folder).generic_string();
        if (!entry.is_directory() && name != "dayrun_export.json") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

class TestExportFolder : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void nothing_is_there_before_all_is() {
        const Folder folder;
        const fs::path out = folder / "deep/out";
        {
            const auto opened = ExportFolder::open(request_for(out, {{"config.json", "{}"}}));
            QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().text().c_str());
            write_text((*opened)->staging() / "config.json", "{}");
            QVERIFY(!fs::exists(out / "config.json"));
        }
        QVERIFY(!fs::exists(out));  // given up: not even the folder
        fs::create_directories(folder / "there");
        QVERIFY(ExportFolder::open(request_for(folder / "there", {})).ok());
        QVERIFY(fs::is_empty(folder / "there"));
        QCOMPARE(exported(out, {{"config.json", "{}"}, {"merged/a.bin", "a"}}), std::string());
        QCOMPARE(names_in(out), (std::vector<std::string>{"config.json", "merged/a.bin"}));
    }

    void files_made_later_join_those_made_before() {
        const Folder folder;
        const Files files{{"config.json", "{}"}, {"export.md", "losses"}};
        {
            const auto opened = ExportFolder::open(request_for(folder / "out", files));
            for (const auto& [name, content] : files) {
                write_text((*opened)->staging() / name, content);
                QVERIFY((*opened)->publish().ok());
            }
        }
        QCOMPARE(names_in(folder / "out"), (std::vector<std::string>{"config.json", "export.md"}));
        QCOMPARE(exported(folder / "out", files), std::string());
    }

    void an_earlier_export_is_replaced_and_the_rest_stays() {
        const Folder folder;
        const fs::path out = folder / "out";
        QCOMPARE(exported(out, {{"config.json", "1"}, {"a.bin", "1"}, {"old/b.bin", "1"}}),
                 std::string());
        write_text(out / "README.md", "mine");
        write_text(out / "old" / "notes.txt", "mine");
        QCOMPARE(exported(out, {{"config.json", "2"}, {"c.bin", "2"}}), std::string());
        QCOMPARE(names_in(out),
                 (std::vector<std::string>{"README.md", "c.bin", "config.json", "old/notes.txt"}));
        QCOMPARE(text_of(out / "config.json"), std::string("2"));
        // A file that came meanwhile under a name that is to be written, and a changed one.
        write_text(out / "d.bin", "mine");
        const std::string met = exported(out, {{"config.json", "3"}, {"d.bin", "3"}});
        QVERIFY2(holds(met, "d.bin' is not, or no more, what an export wrote"), met.c_str());
        QVERIFY(holds(met, "--force"));
        write_text(out / "config.json", "mine");
        const std::string changed = exported(out, {{"config.json", "3"}});
        QVERIFY2(holds(changed, "config.json' is not, or no more"), changed.c_str());
        QCOMPARE(text_of(out / "config.json"), std::string("mine"));
        QCOMPARE(exported(out, {{"config.json", "3"}, {"d.bin", "3"}}, true), std::string());
        QCOMPARE(text_of(out / "d.bin"), std::string("3"));
        QCOMPARE(text_of(out / "c.bin"), std::string("2"));  // --force deletes nothing
        // A changed file that is no more written is a person's too.
        write_text(out / "d.bin", "mine");
        QCOMPARE(exported(out, {{"config.json", "4"}}), std::string());
        QCOMPARE(text_of(out / "d.bin"), std::string("mine"));
    }

    // An export that was killed while it moved its files in: some are the old ones, some the new.
    void a_mixture_of_two_exports_is_known_as_own() {
        const Folder folder;
        const fs::path out = folder / "out";
        QCOMPARE(exported(out, {{"a.bin", "1"}, {"b.bin", "1"}}), std::string());
        auto list = nlohmann::json::parse(text_of(out / "dayrun_export.json"));
        write_text(out / "a.bin", "new");
        QVERIFY(!exported(out, {{"a.bin", "3"}}).empty());
        QCOMPARE(exported(folder / "other", {{"a.bin", "new"}}), std::string());
        fs::rename(folder / "other/a.bin", out / "a.bin");
        const auto other = nlohmann::json::parse(text_of(folder / "other/dayrun_export.json"));
        list["files"].push_back(other["files"][0]);
        write_text(out / "dayrun_export.json", list.dump());
        QCOMPARE(exported(out, {{"a.bin", "3"}}), std::string());
        QCOMPARE(names_in(out), std::vector<std::string>{"a.bin"});
    }

    void a_strangers_folder_needs_force() {
        const Folder folder;
        const fs::path out = folder / "out";
        write_text(out / "model.safetensors", "PRECIOUS");
        write_text(out / "vocab.txt", "PRECIOUS");
        const Files files{{"model.safetensors", "new"}, {"config.json", "{}"}};
        const std::string said = exported(out, files);
        QVERIFY2(holds(said, "and no export of Dayrun's"), said.c_str());
        QCOMPARE(names_in(out), (std::vector<std::string>{"model.safetensors", "vocab.txt"}));
        QCOMPARE(text_of(out / "model.safetensors"), std::string("PRECIOUS"));
        QCOMPARE(exported(out, files, true), std::string());
        QCOMPARE(text_of(out / "model.safetensors"), std::string("new"));
        QCOMPARE(text_of(out / "vocab.txt"), std::string("PRECIOUS"));
        // An empty folder is anyone's; a file is none, and a folder is no file.
        fs::create_directories(folder / "empty");
        QCOMPARE(exported(folder / "empty", files), std::string());
        QVERIFY(holds(exported(out / "vocab.txt", files, true), "is a file"));
        fs::create_directories(out / "sub");
        QVERIFY(holds(exported(out, {{"sub", "x"}}, true), "is a folder, where a file is to be"));
    }

    void a_list_that_leads_out_is_no_list() {
        const Folder folder;
        const fs::path out = folder / "out";
        write_text(folder / "victim", "x");
        QCOMPARE(exported(out, {{"a.bin", "1"}}), std::string());
        auto list = nlohmann::json::parse(text_of(out / "dayrun_export.json"));
        list["files"][0]["name"] = "../victim";
        write_text(out / "dayrun_export.json", list.dump());
        QVERIFY(holds(exported(out, {{"a.bin", "2"}}), "no export of Dayrun's"));
        write_text(out / "dayrun_export.json", "{broken");
        QVERIFY(holds(exported(out, {{"a.bin", "2"}}), "no export of Dayrun's"));
        QCOMPARE(text_of(folder / "victim"), std::string("x"));
    }

    void projects_keep_their_own() {
        const Folder folder;
        const fs::path project = folder / "p";
        QVERIFY(Project::open_or_create(project).ok());
        write_text(project / "runs/7f3a/adapter/adapter_config.json", "{}");
        fs::create_directory_symlink(project / "runs", folder / "link");
        const Files files{{"adapter_config.json", "new"}};
        for (const fs::path& out :
             {project / "runs/7f3a/adapter", project / "runs/new", project / "runs",
              folder / "link/7f3a/adapter", folder / "link/new", project / "cache/x"}) {
            const std::string said = exported(out, files);
            QVERIFY2(holds(said, "keeps its own files"), (out.string() + ": " + said).c_str());
        }
        const std::string said = exported(project, files);
        QVERIFY2(holds(said, "is the folder of a project"), said.c_str());
        QCOMPARE(text_of(project / "runs/7f3a/adapter/adapter_config.json"), std::string("{}"));
        // An empty project folder of another name, and runs of none, are anyone's.
        QCOMPARE(exported(project / "merged", files), std::string());
        QCOMPARE(exported(folder / "runs/x", files), std::string());
        QCOMPARE(exported(project / "runs/7f3a/adapter", files, true), std::string());
        QCOMPARE(text_of(project / "runs/7f3a/adapter/adapter_config.json"), std::string("new"));
    }

    void what_is_read_is_never_written() {
        const Folder folder;
        const fs::path base = folder / "models/base";
        write_text(base / "config.json", "base");
        fs::create_directory_symlink(base, folder / "link");
        fs::create_directories(folder / "out");
        fs::create_directory_symlink(base, folder / "out/merged");
        const auto tried = [&](const fs::path& out, const char* file, bool force) {
            ExportFolderRequest request = request_for(out, {{file, ""}}, force);
            request.sources = {base};
            const auto opened = ExportFolder::open(request);
            return opened.ok() ? std::string() : opened.error().text();
        };
        for (const bool force : {false, true}) {
            for (const fs::path& out : {base, base / "sub", folder / "link"}) {
                const std::string said = tried(out, "config.json", force);
                QVERIFY2(holds(said, "which the export reads"), said.c_str());
            }
            QVERIFY(holds(tried(folder / "out", "merged/config.json", force), "lies in"));
            QVERIFY(holds(tried(folder / "models", "base/config.json", force),
                          "which the export reads"));
        }
        QVERIFY(holds(tried(folder / "models", "config.json", false), "holds"));
        QCOMPARE(tried(folder / "models", "config.json", true), std::string());
        QCOMPARE(text_of(base / "config.json"), std::string("base"));
    }

    void sweeps_what_the_dead_left() {
        const Folder folder;
        const fs::path out = folder / "out";
        const auto held = Temporary::folder(out / ".dayrun-export");
        const std::string living = held->path().filename().string();
        write_text(out / ".dayrun-export.tmp-99999999-0/model.safetensors", "half");
        write_text(out / "dayrun_export.json.tmp-99999999-0", "half");
        write_text(out / living / "model.safetensors", "being made");
        // What somebody is filling stays, and two do not mix.
        QVERIFY(holds(exported(out, {{"config.json", "{}"}}), "Another export into"));
        QCOMPARE(names_in(out), (std::vector<std::string>{living + "/model.safetensors"}));
    }

    // As in the hub's cache: the folder that is read holds links to files that lie elsewhere.
    void files_that_a_source_links_to_are_never_written() {
        const Folder folder;
        write_text(folder / "store/config.json", "base");
        fs::create_directories(folder / "base");
        fs::create_symlink(folder / "store/config.json", folder / "base/config.json");
        for (const bool force : {false, true}) {
            auto request = request_for(folder / "store", {{"config.json", "{}"}}, force);
            request.sources = {folder / "base"};
            const auto opened = ExportFolder::open(request);
            QVERIFY(!opened.ok());
            if (force) QVERIFY(holds(opened.error().message, "which the export reads"));
        }
        QCOMPARE(text_of(folder / "store/config.json"), std::string("base"));
    }
};

DAYRUN_TEST(TestExportFolder)
#include "test_export_folder.moc"
