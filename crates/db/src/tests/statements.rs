//! The SQL subset: parameters, shapes, constraints, and what a job may not do.

use proptest::prelude::*;

use super::{INSERT, count, insert, on_each};
use crate::{Constraint, Db, DbError, Row, Value, args};

fn query(db: &Db, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, DbError> {
    let args = args.to_vec();
    db.write(move |tx| tx.query(sql, &args))
}

fn exec(db: &Db, sql: &'static str, args: &[Value]) -> Result<u64, DbError> {
    let args = args.to_vec();
    db.write(move |tx| tx.exec(sql, &args))
}

#[test]
fn parameters_bind_by_number_in_any_order_and_repeatedly() {
    on_each(|database| {
        let sql = "SELECT CAST($3 AS TEXT), CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT)";
        let rows = query(database.db(), sql, args![1_i64, "two", "three"]).unwrap();
        let values = rows.into_iter().next().unwrap().into_values();
        assert_eq!(values, args!["three", 1_i64, "two", "three"]);
    });
}

#[test]
fn values_come_back_as_they_went_in() {
    on_each(|database| {
        let db = database.db();
        let text = "محضر رقم ٧ — Ábaco 𐍈";
        let sql = "INSERT INTO item (size, body, name, id) VALUES ($4, $3, $2, $1)";
        assert_eq!(exec(db, sql, args![i64::MIN, text, [0_u8, 255, 0], i64::MAX]), Ok(1));
        assert_eq!(exec(db, sql, args![1_i64, "", None::<Vec<u8>>, None::<i64>]), Ok(1));
        let rows = query(db, "SELECT id, name, body, size FROM item ORDER BY id", &[]).unwrap();
        let found: Vec<_> = rows.into_iter().map(Row::into_values).collect();
        assert_eq!(found[0], args![i64::MIN, text, [0_u8, 255, 0], i64::MAX]);
        assert_eq!(found[1], args![1_i64, "", None::<Vec<u8>>, None::<i64>]);
    });
}

#[test]
fn wrong_arguments_are_refused_alike() {
    on_each(|database| {
        let db = database.db();
        let expected = |expected, given| Err(DbError::Parameters { expected, given });
        assert_eq!(exec(db, INSERT, args![1_i64]), expected(2, 1));
        assert_eq!(exec(db, INSERT, args![1_i64, "a", "b"]), expected(2, 3));
        assert_eq!(exec(db, INSERT, args![1_i64, 2_i64]).err(), not_text(db));
        assert_eq!(exec(db, INSERT, args!["a", "b"]), Err(DbError::Type));
        assert_eq!(exec(db, INSERT, args![1_i64, "nul\0"]), Err(DbError::Type));
        let rows = vec![args![1_i64, "a"].to_vec(), args![2_i64].to_vec()];
        let many = db.write(move |tx| tx.exec_many(INSERT, &rows));
        assert_eq!(many, expected(2, 1));
        assert_eq!(count(db), 0);
    });
}

/// SQLite turns a number into the text a text column wants; PostgreSQL does not.
fn not_text(db: &Db) -> Option<DbError> {
    match db.engine() {
        crate::Engine::Postgres => Some(DbError::Type),
        crate::Engine::Sqlite => {
            exec(db, "DELETE FROM item", &[]).unwrap();
            None
        }
    }
}

#[test]
fn violations_say_the_kind_and_no_value() {
    on_each(|database| {
        let db = database.db();
        insert(db, 1).unwrap();
        let table: [(&'static str, &[Value], Constraint); 5] = [
            (INSERT, args![1_i64, "other"], Constraint::Unique),
            (INSERT, args![2_i64, "n1"], Constraint::Unique),
            (INSERT, args![2_i64, None::<String>], Constraint::NotNull),
            ("INSERT INTO part (item) VALUES ($1)", args![77_i64], Constraint::ForeignKey),
            ("UPDATE item SET size = $1", args![-1_i64], Constraint::Check),
        ];
        for (sql, args, kind) in table {
            let error = exec(db, sql, args).unwrap_err();
            assert_eq!(error, DbError::Constraint(kind), "{sql}");
            assert!(!format!("{error} {error:?}").contains("77"));
        }
        let refused = exec(db, "SELEKT 1", &[]);
        assert!(matches!(refused, Err(DbError::Sql(_))), "{refused:?}");
    });
}

#[test]
fn exec_counts_what_it_changed() {
    on_each(|database| {
        let db = database.db();
        let rows: Vec<_> = (0..600_i64).map(|id| args![id, format!("n{id}")].to_vec()).collect();
        assert_eq!(db.write(move |tx| tx.exec_many(INSERT, &rows)), Ok(600));
        assert_eq!(db.write(|tx| tx.exec_many(INSERT, &[])), Ok(0));
        assert_eq!(exec(db, "CREATE TABLE after_many (id BIGINT)", &[]), Ok(0));
        let skip = "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        assert_eq!(exec(db, skip, args![5_i64, "x"]), Ok(0));
        assert_eq!(exec(db, "UPDATE item SET size = 1 WHERE id < $1", args![10_i64]), Ok(10));
        assert_eq!(exec(db, "DELETE FROM item WHERE id < $1 RETURNING id", args![10_i64]), Ok(10));
        let gone = query(db, "DELETE FROM item WHERE id < $1 RETURNING id", args![12_i64]).unwrap();
        assert_eq!(gone.len(), 2);
        assert_eq!(count(db), 588);
    });
}

/// Rows that are inserted together are what they would be one after the other.
#[test]
fn the_same_row_twice_among_many_counts_as_one_after_the_other() {
    on_each(|database| {
        let db = database.db();
        // Of 150 rows every third is there before it.
        let rows: Vec<_> = (0..150_i64).map(|n| args![n - n % 3 / 2, format!("n{n}")].to_vec()).collect();
        let (skip, again) = (rows.clone(), rows);
        let sql = "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        assert_eq!(db.write(move |tx| tx.exec_many(sql, &skip)), Ok(100));
        let sql = "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name, size = 1";
        assert_eq!(db.write(move |tx| tx.exec_many(sql, &again)), Ok(150));
        let last = query(db, "SELECT name FROM item WHERE id = 1 AND size = 1", &[]).unwrap();
        assert_eq!(last[0].text(0), Ok("n2"), "the later one");
        assert_eq!(count(db), 100);
    });
}

#[test]
fn a_failing_row_of_many_undoes_all() {
    on_each(|database| {
        let db = database.db();
        let rows: Vec<_> = (0..300_i64).map(|id| args![id % 299, format!("n{id}")].to_vec()).collect();
        let many = db.write(move |tx| tx.exec_many(INSERT, &rows));
        assert_eq!(many, Err(DbError::Constraint(Constraint::Unique)));
        assert_eq!(count(db), 0);
    });
}

#[test]
fn many_questions_are_answered_in_their_order() {
    on_each(|database| {
        let db = database.db();
        let rows: Vec<_> = (0..600_i64).map(|id| args![id, format!("n{id}")].to_vec()).collect();
        db.write(move |tx| tx.exec_many(INSERT, &rows)).unwrap();
        // More than travel at once, some without an answer, one with two.
        let lists: Vec<_> = (0..700_i64).rev().map(|id| args![id, 699 - id].to_vec()).collect();
        let sql = "SELECT id FROM item WHERE id = $1 OR (id = 7 AND $2 = 0) ORDER BY id";
        let found = db.write(move |tx| tx.query_many(sql, &lists)).unwrap();
        let ids: Vec<Vec<i64>> =
            found.iter().map(|rows| rows.iter().map(|row| row.int(0).unwrap()).collect()).collect();
        assert_eq!(ids.len(), 700);
        assert_eq!((&ids[0], &ids[99], &ids[100], &ids[699]), (&vec![7], &vec![], &vec![599], &vec![0]));
        assert_eq!(db.write(|tx| tx.query_many("SELECT 1", &[])).unwrap().len(), 0);
        let odd = vec![args![1_i64, 1_i64].to_vec(), args![2_i64].to_vec()];
        let refused = db.write(move |tx| tx.query_many(sql, &odd)).map(|rows| rows.len());
        assert_eq!(refused, Err(DbError::Parameters { expected: 2, given: 1 }));
        let nul = vec![args!["a", "nul\0"].to_vec()];
        assert!(db.write(move |tx| tx.query_many("SELECT $1, $2", &nul)).is_err());
    });
}

#[test]
fn one_row_is_one_row() {
    on_each(|database| {
        let db = database.db();
        let one = |db: &Db| db.read(|tx| tx.query_one("SELECT id FROM item", &[])?.int(0));
        assert_eq!(one(db), Err(DbError::NoRow));
        insert(db, 7).unwrap();
        assert_eq!(one(db), Ok(7));
        insert(db, 8).unwrap();
        assert_eq!(one(db), Err(DbError::TooManyRows));
        assert_eq!(insert(db, 9), Ok(1), "neither error harms the connection");
    });
}

#[test]
fn a_read_may_not_write() {
    on_each(|database| {
        let db = database.db();
        let written = db.read(|tx| tx.exec(INSERT, args![1_i64, "a"]));
        assert_eq!(written, Err(DbError::ReadOnly));
        let returned = db.read(|tx| tx.query("DELETE FROM item RETURNING id", &[]));
        assert_eq!(returned, Err(DbError::ReadOnly));
        assert_eq!(count(db), 0);
    });
}

#[test]
fn a_read_sees_one_state() {
    on_each(|database| {
        let db = database.db().clone();
        insert(&db, 1).unwrap();
        let writer = db.clone();
        let (first, second) = db
            .read(move |tx| -> Result<_, DbError> {
                let first = tx.query("SELECT id FROM item", &[])?.len();
                std::thread::spawn(move || insert(&writer, 2)).join().unwrap()?;
                Ok((first, tx.query("SELECT id FROM item", &[])?.len()))
            })
            .unwrap();
        assert_eq!((first, second, count(&db)), (1, 1, 2));
    });
}

#[test]
fn a_job_may_not_control_its_transaction() {
    on_each(|database| {
        for sql in ["COMMIT", " rollback", "begin", "SAVEPOINT x", "END", "RELEASE job", "START TRANSACTION"]
        {
            assert_eq!(exec(database.db(), sql, &[]), Err(DbError::Control), "{sql}");
        }
    });
}

#[test]
fn floats_are_outside_the_subset() {
    on_each(|database| {
        let found = query(database.db(), "SELECT CAST(1.5 AS REAL)", &[]);
        assert_eq!(found, Err(DbError::Type));
    });
}

#[test]
fn several_statements_in_one_are_refused() {
    on_each(|database| {
        let refused = exec(database.db(), "DELETE FROM item; DELETE FROM part", &[]);
        assert!(matches!(refused, Err(DbError::Sql(_))), "{refused:?}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any value survives, on the one engine that needs no server per case.
    #[test]
    fn values_survive_the_store(number: i64, text in "[^\\x00]{0,40}", bytes: Vec<u8>) {
        let db = Db::open_inline().unwrap();
        super::make_tables(&db);
        let row = args![number, text, bytes, None::<i64>].to_vec();
        let sent = row.clone();
        db.write(move |tx| tx.exec("INSERT INTO item (id, name, body, size) VALUES ($1, $2, $3, $4)", &sent)).unwrap();
        let found = db.read(|tx| tx.query_one("SELECT id, name, body, size FROM item", &[])).unwrap();
        prop_assert_eq!(found.into_values(), row);
    }
}
