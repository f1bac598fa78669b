//! The scripts that make the tables, compiled into the program. A released script never changes.

use mithaq_db::Migration;

/// Every migration, for [`mithaq_db::Db::migrate`].
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "first",
    sqlite: include_str!("../migrations/sqlite/0001_first.sql"),
    postgres: include_str!("../migrations/postgres/0001_first.sql"),
}];
