CREATE TABLE IF NOT EXISTS user (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email    TEXT NOT NULL,
    password TEXT NOT NULL,
    picture  TEXT
);

CREATE TABLE IF NOT EXISTS post (
    id        INTEGER PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES user (id),
    created   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    title     TEXT NOT NULL,
    body      TEXT NOT NULL
);
