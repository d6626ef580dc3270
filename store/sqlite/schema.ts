import { DatabaseSync } from 'node:sqlite'
import { closeSync, openSync, rmSync } from 'node:fs'
import { messageOf } from '../../model/thrown.ts'
import { StoreError } from '../error.ts'
import { fromSqlite } from './error.ts'
import { integer } from './row.ts'

/** In every database of ours, so that no other file is ever dropped: "PKIV". */
const APPLICATION_ID = 0x504b_4956
/** Raised with every change below. A file with another version is dropped and rebuilt from the journal. */
const SCHEMA_VERSION = 1

// Times are milliseconds since the Unix epoch, except `recorded`, which is kept as the journal wrote it.
// A document's id rises in journal order.
const SCHEMA = `
CREATE TABLE journal (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  origin TEXT NOT NULL, epoch INTEGER NOT NULL, entry INTEGER NOT NULL, n INTEGER NOT NULL
) STRICT;

CREATE TABLE document (
  id INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL, entry INTEGER NOT NULL, n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  recorded TEXT NOT NULL,
  digest BLOB NOT NULL,
  body TEXT, -- NULL: an observation that repeats the run before it
  UNIQUE (epoch, entry, n)
) STRICT;
CREATE INDEX action_document ON document (id) WHERE kind = 'action';

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL, probe TEXT NOT NULL, target TEXT NOT NULL,
  document INTEGER NOT NULL, -- newest full observation
  body TEXT NOT NULL,
  state BLOB NOT NULL, -- digest of outcome, error and facts
  known TEXT NOT NULL,
  last_start INTEGER NOT NULL,
  last_duration REAL NOT NULL,
  UNIQUE (subject, probe, target)
) STRICT;

CREATE TABLE observation (
  document INTEGER PRIMARY KEY,
  target INTEGER NOT NULL,
  start INTEGER NOT NULL,
  failed INTEGER NOT NULL
) STRICT;
CREATE INDEX observation_by_target ON observation (target, start);

CREATE TABLE roll_up (
  hour INTEGER NOT NULL, target INTEGER NOT NULL,
  runs INTEGER NOT NULL, failures INTEGER NOT NULL,
  buckets TEXT NOT NULL, -- bucket:count of those that are not empty
  PRIMARY KEY (hour, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  document INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  user TEXT, action TEXT NOT NULL, authority TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (time);
CREATE INDEX audit_by_user ON audit (user, time);
CREATE INDEX audit_by_action ON audit (action, time);
CREATE INDEX audit_by_authority ON audit (authority, time);

CREATE TABLE source_position (
  source TEXT NOT NULL, fingerprint TEXT NOT NULL, "end" INTEGER NOT NULL,
  PRIMARY KEY (source, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (document INTEGER PRIMARY KEY, subject TEXT NOT NULL) STRICT;
CREATE INDEX decision_by_subject ON decision (subject);
CREATE TABLE finding (
  subject TEXT NOT NULL, rule TEXT NOT NULL, document INTEGER NOT NULL,
  PRIMARY KEY (subject, rule)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** How the file was found: `recreated` means that it held another schema version and was dropped, so that the store is empty. */
export type Opened = 'new' | 'existing' | 'recreated'

export interface SqliteOptions {
  readonly file: string
  /** How long to wait for another process that holds the database, in milliseconds. Default 2000. */
  readonly busyTimeout?: number
  /** Largest size of the database in pages of 4096 octets; beyond it `apply` rejects with `full`. Default: the disk's. */
  readonly maxPages?: number
}

/** Opens or creates the database. Throws StoreError; a file that is not ours is left alone. */
export function openDatabase(options: SqliteOptions): { database: DatabaseSync; opened: Opened } {
  try {
    const database = connect(options)
    const found = inspect(database)
    if (found === 'ours') return { database, opened: 'existing' }
    if (found === 'empty') {
      create(database)
      return { database, opened: 'new' }
    }
    database.close()
    if (found === 'foreign')
      throw new StoreError(
        'foreign_file',
        `${options.file}: expected a database of vigil, found another application's`,
      )
    // The write-ahead log goes first: beside a new database an old one must never be found.
    for (const suffix of ['-wal', '-shm', '']) rmSync(`${options.file}${suffix}`, { force: true })
    const empty = connect(options)
    create(empty)
    return { database: empty, opened: 'recreated' }
  } catch (error) {
    throw fromSqlite(error, options.file)
  }
}

function connect({ file, busyTimeout = 2000, maxPages }: SqliteOptions): DatabaseSync {
  try {
    // Audit events name people: the file is the owner's alone. SQLite gives its companions the same mode.
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new StoreError('io', `${file}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const database = new DatabaseSync(file, { timeout: busyTimeout })
  // synchronous = FULL: in WAL mode anything less may forget the last transactions when power fails, and the position with them.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;')
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
  return database
}

function inspect(database: DatabaseSync): 'ours' | 'other version' | 'empty' | 'foreign' {
  const value = (sql: string) => integer(database.prepare(sql).get(), 'value')
  const application = value('SELECT application_id AS value FROM pragma_application_id')
  if (application === APPLICATION_ID)
    return value('SELECT user_version AS value FROM pragma_user_version') === SCHEMA_VERSION
      ? 'ours'
      : 'other version'
  const objects = value('SELECT count(*) AS value FROM sqlite_schema')
  return application === 0 && objects === 0 ? 'empty' : 'foreign'
}

function create(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`)
}
