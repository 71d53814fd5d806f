-- Version 1: what a project remembers of its runs. Column names are the field names of the structs
-- in core/records/run_record.h and core/events/run_event.h. A later version is a new file,
-- never an edit.
CREATE TABLE project (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    format INTEGER NOT NULL,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE run (
    run_id TEXT PRIMARY KEY,
    parent_run_id TEXT,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    interrupted INTEGER NOT NULL DEFAULT 0 CHECK (interrupted IN (0, 1)),
    recipe_yaml TEXT NOT NULL,
    recipe_sha256 TEXT NOT NULL,
    data_sha256 TEXT NOT NULL DEFAULT '',
    build_id TEXT NOT NULL DEFAULT '',
    device_name TEXT NOT NULL DEFAULT '',
    started_at REAL NOT NULL,
    finished_at REAL NOT NULL DEFAULT 0,
    best_eval_loss REAL,
    best_step INTEGER NOT NULL DEFAULT 0,
    adapter TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    total_steps INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_by_start ON run (started_at);

CREATE TABLE setting (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE step_metric (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    epoch REAL NOT NULL,
    loss REAL,
    loss_z REAL,
    grad_norm REAL,
    learning_rate REAL NOT NULL,
    target_tokens INTEGER NOT NULL,
    slot_tokens INTEGER NOT NULL,
    tokens_per_second REAL,
    step_ms REAL NOT NULL,
    data_wait_ms REAL NOT NULL,
    device_bytes_peak INTEGER NOT NULL,
    wall_s REAL NOT NULL,
    device_s REAL NOT NULL,
    eta_s REAL,
    skipped INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

-- What each source of the mix has given so far, written at every validation and at the end.
CREATE TABLE source_metric (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    target_tokens INTEGER NOT NULL,
    PRIMARY KEY (run_id, step, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE eval_metric (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    epoch REAL NOT NULL,
    loss REAL,
    target_tokens INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run_id, step, source_id)
) STRICT, WITHOUT ROWID;

-- Test rows answered word for word before the run (step 0) and after it.
CREATE TABLE exact_match (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    rows INTEGER NOT NULL,
    matches INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run_id, step, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sample_output (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX sample_output_by_run ON sample_output (run_id, step);

CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX checkpoint_by_run ON checkpoint (run_id, step);

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX artifact_by_run ON artifact (run_id);

-- Changes of state, log lines and failures, in order.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_run ON event (run_id, id);
