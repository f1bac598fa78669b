//! The scripts that make the tables, compiled into the program. A released script never changes.

use mithaq_db::Migration;

/// Every migration, for [`mithaq_db::Db::migrate`].
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "first",
        sqlite: include_str!("../migrations/sqlite/0001_first.sql"),
        postgres: include_str!("../migrations/postgres/0001_first.sql"),
    },
    Migration {
        version: 2,
        name: "proof",
        sqlite: include_str!("../migrations/sqlite/0002_proof.sql"),
        postgres: include_str!("../migrations/postgres/0002_proof.sql"),
    },
    Migration {
        version: 3,
        name: "ruling",
        sqlite: include_str!("../migrations/sqlite/0003_ruling.sql"),
        postgres: include_str!("../migrations/postgres/0003_ruling.sql"),
    },
    Migration {
        version: 4,
        name: "requests",
        sqlite: include_str!("../migrations/sqlite/0004_requests.sql"),
        postgres: include_str!("../migrations/postgres/0004_requests.sql"),
    },
    Migration {
        version: 5,
        name: "processes",
        sqlite: include_str!("../migrations/sqlite/0005_processes.sql"),
        postgres: include_str!("../migrations/postgres/0005_processes.sql"),
    },
    Migration {
        version: 6,
        name: "checks",
        sqlite: include_str!("../migrations/sqlite/0006_checks.sql"),
        postgres: include_str!("../migrations/postgres/0006_checks.sql"),
    },
    Migration {
        version: 7,
        name: "onward",
        sqlite: include_str!("../migrations/sqlite/0007_onward.sql"),
        postgres: include_str!("../migrations/postgres/0007_onward.sql"),
    },
    Migration {
        version: 8,
        name: "attachments",
        sqlite: include_str!("../migrations/sqlite/0008_attachments.sql"),
        postgres: include_str!("../migrations/postgres/0008_attachments.sql"),
    },
    Migration {
        version: 9,
        name: "checks_again",
        sqlite: include_str!("../migrations/sqlite/0009_checks_again.sql"),
        postgres: include_str!("../migrations/postgres/0009_checks_again.sql"),
    },
    Migration {
        version: 10,
        name: "standing",
        sqlite: include_str!("../migrations/sqlite/0010_standing.sql"),
        postgres: include_str!("../migrations/postgres/0010_standing.sql"),
    },
    Migration {
        version: 11,
        name: "hold",
        sqlite: include_str!("../migrations/sqlite/0011_hold.sql"),
        postgres: include_str!("../migrations/postgres/0011_hold.sql"),
    },
    Migration {
        version: 12,
        name: "corrections",
        sqlite: include_str!("../migrations/sqlite/0012_corrections.sql"),
        postgres: include_str!("../migrations/postgres/0012_corrections.sql"),
    },
    Migration {
        version: 13,
        name: "request_review",
        sqlite: include_str!("../migrations/sqlite/0013_request_review.sql"),
        postgres: include_str!("../migrations/postgres/0013_request_review.sql"),
    },
    Migration {
        version: 14,
        name: "plans",
        sqlite: include_str!("../migrations/sqlite/0014_plans.sql"),
        postgres: include_str!("../migrations/postgres/0014_plans.sql"),
    },
    Migration {
        version: 15,
        name: "storage",
        sqlite: include_str!("../migrations/sqlite/0015_storage.sql"),
        postgres: include_str!("../migrations/postgres/0015_storage.sql"),
    },
    Migration {
        version: 16,
        name: "cleared",
        sqlite: include_str!("../migrations/sqlite/0016_cleared.sql"),
        postgres: include_str!("../migrations/postgres/0016_cleared.sql"),
    },
    Migration {
        version: 17,
        name: "justification",
        sqlite: include_str!("../migrations/sqlite/0017_justification.sql"),
        postgres: include_str!("../migrations/postgres/0017_justification.sql"),
    },
    Migration {
        version: 18,
        name: "erasure_receipt",
        sqlite: include_str!("../migrations/sqlite/0018_erasure_receipt.sql"),
        postgres: include_str!("../migrations/postgres/0018_erasure_receipt.sql"),
    },
    Migration {
        version: 19,
        name: "not_proven",
        sqlite: include_str!("../migrations/sqlite/0019_not_proven.sql"),
        postgres: include_str!("../migrations/postgres/0019_not_proven.sql"),
    },
    Migration {
        version: 20,
        name: "alarm_object",
        sqlite: include_str!("../migrations/sqlite/0020_alarm_object.sql"),
        postgres: include_str!("../migrations/postgres/0020_alarm_object.sql"),
    },
    Migration {
        version: 21,
        name: "confirm_by",
        sqlite: include_str!("../migrations/sqlite/0021_confirm_by.sql"),
        postgres: include_str!("../migrations/postgres/0021_confirm_by.sql"),
    },
    Migration {
        version: 22,
        name: "again",
        sqlite: include_str!("../migrations/sqlite/0022_again.sql"),
        postgres: include_str!("../migrations/postgres/0022_again.sql"),
    },
    Migration {
        version: 23,
        name: "receipt_log",
        sqlite: include_str!("../migrations/sqlite/0023_receipt_log.sql"),
        postgres: include_str!("../migrations/postgres/0023_receipt_log.sql"),
    },
    Migration {
        version: 24,
        name: "upload_done",
        sqlite: include_str!("../migrations/sqlite/0024_upload_done.sql"),
        postgres: include_str!("../migrations/postgres/0024_upload_done.sql"),
    },
    Migration {
        version: 25,
        name: "copy_confirm",
        sqlite: include_str!("../migrations/sqlite/0025_copy_confirm.sql"),
        postgres: include_str!("../migrations/postgres/0025_copy_confirm.sql"),
    },
];

/// Brings the tables to the version this program knows. Blocks; other nodes on the same database wait.
///
/// # Errors
/// As [`mithaq_db::Db::migrate`]; nothing has been changed then.
pub fn migrate(db: &mithaq_db::Db) -> Result<mithaq_db::Migrated, mithaq_db::MigrationError> {
    db.migrate(MIGRATIONS)
}
