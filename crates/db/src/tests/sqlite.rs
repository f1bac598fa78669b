//! What only a SQLite file has: its lock, its rights, its log, its damage.

use super::{insert, make_tables};
use crate::testing::sqlite;
use crate::{Db, DbError, SqliteOptions, args};

#[test]
fn one_opening_at_a_time() {
    let mut database = sqlite().unwrap();
    let path = database.path().unwrap();
    let open = || Db::open_sqlite(&path, SqliteOptions::default()).map(drop);
    assert_eq!(open(), Err(DbError::Locked));
    let detour = path.parent().unwrap().join(".").join("test.db");
    assert_eq!(Db::open_sqlite(detour, SqliteOptions::default()).map(drop), Err(DbError::Locked));
    database.db().close();
    assert_eq!(open(), Ok(()));
    database.reopen().unwrap();
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = sqlite().unwrap();
    make_tables(database.db());
    let directory = database.path().unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(directory.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 3, "database, log and lock");
}

#[test]
fn what_was_erased_is_nowhere_on_disk() {
    let database = sqlite().unwrap();
    let db = database.db();
    make_tables(db);
    let secret = "needle-in-a-haystack";
    db.write(move |tx| tx.exec("INSERT INTO item (id, name) VALUES ($1, $2)", args![1_i64, secret])).unwrap();
    db.checkpoint().unwrap();
    assert!(on_disk(&database.path().unwrap(), secret), "the test looks in the right place");
    db.write(|tx| tx.exec("DELETE FROM item", &[])).unwrap();
    db.checkpoint().unwrap();
    db.vacuum(1000).unwrap();
    db.checkpoint().unwrap();
    assert!(!on_disk(&database.path().unwrap(), secret));
}

fn on_disk(path: &std::path::Path, needle: &str) -> bool {
    std::fs::read_dir(path.parent().unwrap()).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[test]
fn vacuum_gives_pages_back() {
    let database = sqlite().unwrap();
    let db = database.db();
    make_tables(db);
    let rows: Vec<_> =
        (0..500_i64).map(|id| args![id, format!("n{id}"), vec![7_u8; 2000], 1_i64].to_vec()).collect();
    let sql = "INSERT INTO item (id, name, body, size) VALUES ($1, $2, $3, $4)";
    db.write(move |tx| tx.exec_many(sql, &rows)).unwrap();
    db.checkpoint().unwrap();
    let size = || std::fs::metadata(database.path().unwrap()).unwrap().len();
    let before = size();
    db.write(|tx| tx.exec("DELETE FROM item", &[])).unwrap();
    db.vacuum(u32::MAX >> 1).unwrap();
    db.checkpoint().unwrap();
    assert!(size() < before / 4, "{} of {before}", size());
}

#[test]
fn pragmas_are_as_promised() {
    let database = sqlite().unwrap();
    let expected = [
        ("PRAGMA synchronous", 2),
        ("PRAGMA secure_delete", 1),
        ("PRAGMA foreign_keys", 1),
        ("PRAGMA temp_store", 2),
        ("PRAGMA auto_vacuum", 2),
        ("PRAGMA trusted_schema", 0),
    ];
    for (pragma, value) in expected {
        assert_eq!(database.db().write(move |tx| tx.query_one(pragma, &[])?.int(0)), Ok(value), "{pragma}");
    }
}

#[test]
fn quotes_are_names_and_not_strings() {
    let database = sqlite().unwrap();
    let refused = database.db().read(|tx| tx.query("SELECT \"no such column\"", &[]));
    assert!(matches!(refused, Err(DbError::Sql(_))), "{refused:?}");
    let refused = database.db().read(|tx| tx.query("SELECT ?1", args![1_i64]));
    assert!(matches!(refused, Err(DbError::Sql(_))), "{refused:?}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("noise.db");
    std::fs::write(&path, [0x5a_u8; 8192]).unwrap();
    let opened = Db::open_sqlite(&path, SqliteOptions::default());
    assert_eq!(opened.err(), Some(DbError::Corrupt));
    let opened = Db::open_sqlite(directory.path().join("no/such/place.db"), SqliteOptions::default());
    assert_eq!(opened.err(), Some(DbError::Io));
}

#[test]
fn a_lost_writer_is_not_replaced() {
    use crate::connection::Source as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    crate::sqlite::create(&path).unwrap();
    let options = SqliteOptions::default();
    let role = crate::sqlite::Role::Writer;
    let lock = std::sync::Arc::new(crate::sqlite::OpenLock::take(&path).unwrap());
    let mut source = crate::sqlite::SqliteSource { path, options, role, spent: false, _lock: lock };
    assert!(source.connect().is_ok());
    assert_eq!(source.connect().err(), Some(DbError::Io));
}

#[test]
fn a_slow_reader_makes_the_checkpoint_busy() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_timeout: std::time::Duration::ZERO, ..SqliteOptions::default() };
    let db = Db::open_sqlite(directory.path().join("a.db"), options).unwrap();
    make_tables(&db);
    let writer = db.clone();
    let busy = db.read(move |tx| -> Result<_, DbError> {
        tx.query("SELECT id FROM item", &[])?;
        let other = std::thread::spawn(move || {
            insert(&writer, 1)?;
            writer.checkpoint()
        });
        Ok(other.join().unwrap())
    });
    assert_eq!(busy, Ok(Err(DbError::Busy)));
    assert_eq!(db.checkpoint(), Ok(()));
}
