/** From which app a version of a project's protocol came. */
export const appTables = `
  CREATE TABLE IF NOT EXISTS project_app (
    project TEXT NOT NULL,
    protocol_version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- SHA-256 of declaration and code
    digest TEXT NOT NULL,
    -- JSON: the declaration
    content TEXT NOT NULL,
    -- NULL for an app without code
    code_path TEXT,
    code_sha256 TEXT,
    PRIMARY KEY (project, protocol_version),
    FOREIGN KEY (project, protocol_version) REFERENCES protocol
  ) STRICT, WITHOUT ROWID;
`;
