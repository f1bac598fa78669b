use mithaq_db::{Engine, Tx};

use super::nodes;

type Columns = Vec<(String, String, bool)>;

fn columns(tx: &mut dyn Tx) -> Result<Columns, crate::StoreError> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name, c.\"notnull\" FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT),
             CAST(CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS BIGINT)
             FROM information_schema.columns WHERE table_schema = 'public'
             ORDER BY table_name COLLATE \"C\", ordinal_position"
        }
    };
    let rows = tx.query(sql, &[])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)? == 1))).collect()
}

fn indexes(tx: &mut dyn Tx) -> Result<Vec<String>, crate::StoreError> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        }
        Engine::Postgres => {
            "SELECT CAST(indexname AS TEXT) FROM pg_indexes
             WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' ORDER BY indexname COLLATE \"C\""
        }
    };
    tx.query(sql, &[])?.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

#[test]
fn both_engines_have_the_same_tables_columns_and_indexes() {
    let mut all = Vec::new();
    for node in nodes() {
        all.push(node.read(|tx, _| Ok((columns(tx)?, indexes(tx)?))).unwrap());
    }
    let (first, _) = &all[0];
    assert!(first.len() > 200 && first.contains(&("outbox".to_owned(), "bytes".to_owned(), false)));
    for other in &all {
        assert_eq!(other, &all[0]);
    }
}

#[test]
fn every_table_is_in_the_list_of_what_an_attacker_achieves() {
    let page = include_str!("../lib.rs");
    for node in nodes() {
        for (table, _, _) in node.read(|tx, _| columns(tx)).unwrap() {
            let listed = page.contains(&format!("`{table}`"));
            assert!(listed || table == "schema_migration", "`{table}` is not described");
        }
    }
}

#[test]
fn migrations_run_once() {
    for node in nodes() {
        let again = crate::migrate(node.db()).unwrap();
        let last = u32::try_from(crate::MIGRATIONS.len()).unwrap();
        assert_eq!((again.from, again.to), (last, last));
    }
}

#[test]
fn postgres_does_not_try_to_make_ciphertext_smaller() {
    let sql = "SELECT CAST(c.relname || '.' || a.attname AS TEXT) FROM pg_attribute a
               JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attstorage = 'e' ORDER BY 1";
    for node in nodes().into_iter().filter(|node| node.db().engine() == Engine::Postgres) {
        let plain = node.read(move |tx, _| Ok(tx.query(sql, &[])?)).unwrap();
        let mut plain: Vec<_> = plain.iter().map(|row| row.text(0).unwrap().to_owned()).collect();
        plain.sort();
        let bytes = ["inbox.bytes", "inbox_ahead.bytes", "ledger_tile.hashes", "outbox.bytes"];
        assert_eq!(plain, [&bytes[..], &["report_version.content", "subject.content"]].concat());
    }
}
