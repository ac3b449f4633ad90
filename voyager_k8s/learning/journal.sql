-- The journal of one campaign. Rows of a finished attempt are written in one transaction, so that a
-- campaign killed at any moment finds whole attempts or none.

CREATE TABLE IF NOT EXISTS campaign (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,               -- task-003
    round INTEGER NOT NULL UNIQUE,
    state TEXT NOT NULL,               -- open, completed, failed, unknown, rejected
    task TEXT,                         -- JSON of core.task.Task
    reason TEXT NOT NULL DEFAULT '',
    skill TEXT NOT NULL DEFAULT '',
    started REAL NOT NULL,             -- seconds since the epoch
    ended REAL
) STRICT;

CREATE TABLE IF NOT EXISTS rejections (
    task TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS attempts (
    task TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    program TEXT NOT NULL,             -- JSON of core.program.Program
    changes TEXT NOT NULL,             -- JSON list of core.world.Change
    events TEXT NOT NULL,              -- JSON list of core.world.Event
    practised TEXT NOT NULL,           -- JSON list
    seconds REAL NOT NULL,
    PRIMARY KEY (task, number)
) STRICT;

CREATE TABLE IF NOT EXISTS executions (
    task TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    ending TEXT NOT NULL,
    seconds REAL NOT NULL,
    execution TEXT NOT NULL,           -- JSON of core.program.Execution
    PRIMARY KEY (task, attempt)
) STRICT;

CREATE TABLE IF NOT EXISTS verdicts (
    task TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    verdict TEXT NOT NULL,             -- JSON of core.verdict.Verdict
    PRIMARY KEY (task, attempt)
) STRICT;

CREATE TABLE IF NOT EXISTS phases (
    task TEXT NOT NULL,
    attempt INTEGER NOT NULL,          -- 0 for what is no part of an attempt
    phase TEXT NOT NULL,
    seconds REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS model_calls (
    task TEXT NOT NULL,
    stage TEXT NOT NULL,               -- propose, attempt-1, keep
    role TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    model TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    reply_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    cut INTEGER NOT NULL DEFAULT 0     -- 1: of a stage that was interrupted and done again
) STRICT;

CREATE TABLE IF NOT EXISTS lessons (
    task TEXT PRIMARY KEY,
    search_terms TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
