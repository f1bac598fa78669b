//! The one door to SQLite and PostgreSQL: write, read, group commit, migrations.
