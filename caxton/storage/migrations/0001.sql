-- The agents that are to be here, in the order of their deployment. `spec`, `program` and `capabilities` are JSON.
CREATE TABLE agents (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL UNIQUE,
    wanted TEXT NOT NULL CHECK (wanted IN ('running', 'stopped')),
    created_ns INTEGER NOT NULL,
    deployment_id TEXT NOT NULL,
    wasi INTEGER NOT NULL CHECK (wasi IN (0, 1)),
    spec BLOB NOT NULL,
    program BLOB NOT NULL
) STRICT;

-- Who brought which version of which agent, and when. The newest of each agent are kept.
CREATE TABLE deployments (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment_id TEXT NOT NULL UNIQUE,
    agent_id TEXT NOT NULL,
    version TEXT NOT NULL,
    module_digest TEXT,
    deployed_by TEXT NOT NULL,
    created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX deployments_by_agent ON deployments (agent_id, sequence);

-- Tokens by the SHA-256 of what their holder sends. A revoked one is kept, so that its holder can be told.
CREATE TABLE tokens (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    token_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,
    revoked_ns INTEGER,
    digest BLOB NOT NULL UNIQUE
) STRICT;

-- Calls that change something, as they were answered.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns INTEGER NOT NULL,
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    operation TEXT NOT NULL,
    status INTEGER NOT NULL,
    code TEXT,
    trace_id TEXT NOT NULL,
    subject TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ns);

-- Answers by caller and Idempotency-Key; `fingerprint` tells whether a repetition asks for the same.
CREATE TABLE idempotency (
    whose TEXT NOT NULL PRIMARY KEY,
    since_ns INTEGER NOT NULL,
    status INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (since_ns);
