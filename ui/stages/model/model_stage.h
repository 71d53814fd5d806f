// Stage 2: pick the base model from a folder or the local Hugging Face cache; what it is, how big,
// and what is missing before it can be trained on. Folders are read by jobs. Ui thread.
#pragma once

#include <QHash>

#include "core/model/model_folder.h"
#include "ui/look/job.h"
#include "ui/stages/stage.h"

class QLabel;
class QListWidget;
class QPushButton;
class QVBoxLayout;

namespace dayrun::ui {

class FactList;

class ModelStage : public Stage {
    Q_OBJECT

  public:
    explicit ModelStage(StageContext context, QWidget* parent = nullptr);
    void showInInspector() override;
    /// Lists the models of the cache, the project and the folders chosen here.
    void reload();
    void choose(const std::filesystem::path& folder);

  private:
    QWidget* makeList();
    QWidget* makeDeviceNote();
    QWidget* makeDetails();
    std::filesystem::path baseFolder() const;
    void showModels(const std::vector<core::LocalModel>& models);
    void inspect(const std::filesystem::path& folder);
    void showInfo(const core::ModelFolderInfo& info);
    void showChoice();
    void checkBase();

    StageContext m_context;
    QListWidget* m_list;
    QLabel* m_list_note;
    QLabel* m_title;
    QLabel* m_path;
    FactList* m_facts;
    QVBoxLayout* m_checks;
    QPushButton* m_use;
    QLabel* m_use_note;
    std::vector<std::filesystem::path> m_extra_folders;
    core::ModelFolderInfo m_shown;
    Job m_list_job;
    Job m_inspect_job;
    Job m_base_job;
};

}  // namespace dayrun::ui
