/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/directory_priv.h"

/* What belongs to an identity goes with it. A stance towards a name that has no identity is kept:
 * who was blocked stays so. */
const char aura__directory_schema[] =
    "PRAGMA secure_delete=ON;" /* who was deleted is not to be found in the file */
    "CREATE TABLE IF NOT EXISTS identity(name TEXT PRIMARY KEY, kind INTEGER NOT NULL, display "
    "TEXT NOT NULL, home_region TEXT NOT NULL, privacy INTEGER NOT NULL, aic_off INTEGER NOT "
    "NULL, created_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS proof(provider TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT "
    "NULL REFERENCES identity ON DELETE CASCADE, PRIMARY KEY(provider, subject)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS proof_name ON proof(name);"
    "CREATE INDEX IF NOT EXISTS proof_provider ON proof(provider, name);"
    "CREATE TABLE IF NOT EXISTS device(name TEXT NOT NULL REFERENCES identity ON DELETE CASCADE, "
    "app TEXT NOT NULL, id TEXT NOT NULL, push TEXT NOT NULL, seen_us INTEGER NOT NULL, PRIMARY "
    "KEY(name, app, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS stance(name TEXT NOT NULL REFERENCES identity ON DELETE CASCADE, "
    "other TEXT NOT NULL, stance INTEGER NOT NULL, PRIMARY KEY(name, other)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS stance_other ON stance(other);"
    "CREATE TABLE IF NOT EXISTS missed(name TEXT NOT NULL REFERENCES identity ON DELETE CASCADE, "
    "call TEXT NOT NULL, caller TEXT NOT NULL, video INTEGER NOT NULL, reason TEXT NOT NULL, at_us "
    "INTEGER NOT NULL, PRIMARY KEY(name, call)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS missed_caller ON missed(caller);"
    "CREATE TABLE IF NOT EXISTS as_event(n INTEGER PRIMARY KEY, event TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS as_room(room TEXT NOT NULL, name TEXT NOT NULL REFERENCES identity "
    "ON DELETE CASCADE, peer TEXT NOT NULL, PRIMARY KEY(room, name)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS as_room_name ON as_room(name, peer);"
    "CREATE TABLE IF NOT EXISTS as_gone(name TEXT PRIMARY KEY) WITHOUT ROWID;"
    /* An account goes with its proof, by whatever way that goes. */
    "CREATE TABLE IF NOT EXISTS account(handle TEXT PRIMARY KEY, provider TEXT NOT NULL, password "
    "TEXT NOT NULL, failures INTEGER NOT NULL, tried_us INTEGER NOT NULL, created_us INTEGER NOT "
    "NULL, FOREIGN KEY(provider, handle) REFERENCES proof(provider, subject) ON DELETE CASCADE) "
    "WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS account_proof ON account(provider, handle);"
    "CREATE TABLE IF NOT EXISTS passkey(id BLOB PRIMARY KEY, handle TEXT NOT NULL REFERENCES "
    "account ON DELETE CASCADE, rp TEXT NOT NULL, alg INTEGER NOT NULL, key BLOB NOT NULL, count "
    "INTEGER NOT NULL, created_us INTEGER NOT NULL, used_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS passkey_handle ON passkey(handle, created_us);"
    "CREATE TABLE IF NOT EXISTS passkey_name(id BLOB PRIMARY KEY REFERENCES passkey ON DELETE "
    "CASCADE, name TEXT NOT NULL) WITHOUT ROWID;";

#define ACCOUNT "p.name, a.handle, a.password, a.failures, a.tried_us, a.created_us"
#define PASSKEY                                                                                    \
    "id, rp, alg, key, count, created_us, used_us, coalesce((SELECT name FROM passkey_name n "     \
    "WHERE n.id = passkey.id), '')"
#define IDENTITY "i.name, i.kind, i.display, i.home_region, i.privacy, i.aic_off, i.created_us"

const char *const aura__directory_sql[ST_TOTAL] = {
    [ST_COUNT_ALL] = "SELECT count(*) FROM identity",
    [ST_COUNT_APPS] = "SELECT provider, count(*) FROM proof GROUP BY provider",
    [ST_ADD] = "INSERT INTO identity VALUES(?1, ?2, ?3, '', 0, 0, ?4)",
    [ST_ADD_PROOF] = "INSERT INTO proof VALUES(?1, ?2, ?3)",
    [ST_BY_ID] = "SELECT " IDENTITY " FROM identity i WHERE i.name = ?1",
    [ST_BY_PROOF] = "SELECT " IDENTITY " FROM proof p JOIN identity i ON i.name = p.name WHERE "
                    "p.provider = ?1 AND p.subject = ?2",
    [ST_UPDATE] = "UPDATE identity SET display = ?2, home_region = ?3, privacy = ?4, aic_off = ?5 "
                  "WHERE name = ?1",
    [ST_OWNER] = "SELECT name FROM proof WHERE provider = ?1 AND subject = ?2",
    [ST_PROOFS] = "SELECT provider, subject FROM proof WHERE name = ?1 ORDER BY provider, subject",
    [ST_COUNT_PROOFS] = "SELECT count(*) FROM proof WHERE name = ?1",
    [ST_KNOWN_BY] = "SELECT 1 FROM proof WHERE name = ?1 AND provider = ?2 LIMIT 1",
    [ST_KNOWN] =
        "SELECT " IDENTITY " FROM (SELECT DISTINCT name FROM proof WHERE provider = ?1 AND "
        "name > ?2 ORDER BY name LIMIT ?3) p JOIN identity i ON i.name = p.name ORDER BY "
        "i.name",
    [ST_REMOVE_PROOF] = "DELETE FROM proof WHERE name = ?1 AND provider = ?2 AND subject = ?3",
    [ST_DEVICE] = "INSERT INTO device VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET push = "
                  "excluded.push, seen_us = excluded.seen_us",
    [ST_TRIM_DEVICES] = "DELETE FROM device WHERE name = ?1 AND (app, id) NOT IN (SELECT app, id "
                        "FROM device WHERE name = ?1 ORDER BY seen_us DESC LIMIT ?2)",
    [ST_FORGET_DEVICE] = "DELETE FROM device WHERE name = ?1 AND app = ?2 AND id = ?3",
    [ST_DEVICES] = "SELECT id, app, push, seen_us FROM device WHERE name = ?1 ORDER BY seen_us "
                   "DESC, app, id",
    [ST_STANCE_SET] = "INSERT INTO stance VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET stance = "
                      "excluded.stance",
    [ST_STANCE_DROP] = "DELETE FROM stance WHERE name = ?1 AND other = ?2",
    [ST_STANCE_GET] = "SELECT stance FROM stance WHERE name = ?1 AND other = ?2",
    [ST_STANCES] = "SELECT other, stance FROM stance WHERE name = ?1 ORDER BY other",
    [ST_COUNT_STANCES] = "SELECT count(*) FROM stance WHERE name = ?1",
    [ST_STRANGERS] = "DELETE FROM stance WHERE other = ?1",
    [ST_MISSED] = "SELECT call, caller, video, reason, at_us FROM missed WHERE name = ?1 ORDER BY "
                  "at_us DESC, call",
    [ST_MISSED_ADD] = "INSERT OR REPLACE INTO missed VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [ST_MISSED_TRIM] = "DELETE FROM missed WHERE name = ?1 AND call NOT IN (SELECT call FROM "
                       "missed WHERE name = ?1 ORDER BY at_us DESC LIMIT ?2)",
    [ST_MISSED_FORGET] = "DELETE FROM missed WHERE name = ?1",
    [ST_MISSED_OF] = "DELETE FROM missed WHERE caller = ?1",
    [ST_EVENT] = "INSERT INTO as_event(event) VALUES(?1)",
    [ST_EVENT_TRIM] = "DELETE FROM as_event WHERE n <= ?1",
    [ST_ROOM] = "INSERT INTO as_room VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET peer = "
                "CASE WHEN excluded.peer = '' THEN peer ELSE excluded.peer END",
    [ST_ROOM_LEAVE] = "DELETE FROM as_room WHERE room = ?1 AND name = ?2",
    [ST_ROOM_PEOPLE] = "SELECT name FROM as_room WHERE room = ?1 ORDER BY name LIMIT ?2",
    [ST_ROOMS] = "SELECT room, peer FROM as_room WHERE name = ?1 ORDER BY room",
    [ST_ROOM_COUNT] = "SELECT count(*) FROM as_room WHERE name = ?1",
    [ST_ROOM_DIRECT] = "SELECT room FROM as_room WHERE name = ?1 AND peer = ?2 LIMIT 1",
    [ST_GONE] = "SELECT name FROM as_gone LIMIT 1",
    [ST_GONE_ADD] = "INSERT OR IGNORE INTO as_gone VALUES(?1)",
    [ST_GONE_DROP] = "DELETE FROM as_gone WHERE name = ?1",
    [ST_ACCOUNT_ADD] = "INSERT INTO account VALUES(?1, 'local', ?2, 0, 0, ?3)",
    [ST_ACCOUNT_BY_NAME] =
        "SELECT " ACCOUNT " FROM proof p JOIN account a ON a.handle = p.subject "
        "AND a.provider = p.provider WHERE p.name = ?1 AND p.provider = 'local' LIMIT 1",
    [ST_ACCOUNT_BY_HANDLE] =
        "SELECT " ACCOUNT " FROM account a JOIN proof p ON p.subject = a.handle "
        "AND p.provider = a.provider WHERE a.handle = ?1",
    [ST_ACCOUNT_PASSWORD] =
        "UPDATE account SET password = ?2, failures = 0, tried_us = 0 WHERE handle = ?1",
    [ST_ACCOUNT_TRIED] = "UPDATE account SET failures = CASE ?2 WHEN 0 THEN failures + 1 ELSE 0 "
                         "END, tried_us = ?3 WHERE handle = ?1",
    [ST_PASSKEY_ADD] = "INSERT INTO passkey VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    [ST_PASSKEY_FIND] = "SELECT " PASSKEY ", handle FROM passkey WHERE id = ?1",
    [ST_PASSKEY_USED] = "UPDATE passkey SET count = ?2, used_us = ?3 WHERE id = ?1",
    [ST_PASSKEY_COUNT] = "SELECT count(*) FROM passkey WHERE handle = ?1",
    [ST_PASSKEYS] = "SELECT " PASSKEY " FROM passkey WHERE handle = ?1 ORDER BY created_us, id",
    [ST_PASSKEY_NAME] =
        "INSERT INTO passkey_name SELECT id, ?3 FROM passkey WHERE id = ?1 AND handle = ?2 "
        "ON CONFLICT(id) DO UPDATE SET name = excluded.name",
    [ST_PASSKEY_DROP] = "DELETE FROM passkey WHERE id = ?1 AND handle = ?2",
    [ST_DELETE] = "DELETE FROM identity WHERE name = ?1",
};
