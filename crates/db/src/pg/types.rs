//! Values and errors between PostgreSQL's vocabulary and ours.
//!
//! Deliberately takes only the shared types and drops every message: they quote values.

use std::error::Error as _;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::{Constraint, DbError, Row, Value};

type Fault = Box<dyn std::error::Error + Sync + Send>;

/// A value and a column, or a column and our shapes, do not fit.
#[derive(Debug, thiserror::Error)]
#[error("a value has the wrong type or range")]
struct Unfit;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => match *ty {
                Type::INT8 => number.to_sql(ty, out),
                Type::INT4 => i32::try_from(*number).map_err(|_range| Unfit)?.to_sql(ty, out),
                Type::INT2 => i16::try_from(*number).map_err(|_range| Unfit)?.to_sql(ty, out),
                Type::BOOL => match number {
                    0 | 1 => (*number == 1).to_sql(ty, out),
                    _ => Err(Unfit.into()),
                },
                _ => Err(Unfit.into()),
            },
            Self::Text(text) => match *ty {
                Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                    text.as_str().to_sql(ty, out)
                }
                _ => Err(Unfit.into()),
            },
            Self::Bytes(bytes) => match *ty {
                Type::BYTEA => bytes.as_slice().to_sql(ty, out),
                _ => Err(Unfit.into()),
            },
        }
    }

    fn accepts(_ty: &Type) -> bool {
        // Depends on the value, so `to_sql` decides.
        true
    }

    to_sql_checked!();
}

struct Cell(Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            // As SQLite answers a comparison.
            Type::BOOL => Value::from(bool::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Value::from(<&str>::from_sql(ty, raw)?),
            Type::BYTEA => Value::from(raw),
            // What a function returns that is called for its effect.
            Type::VOID => Value::Null,
            _ => return Err(Unfit.into()),
        }))
    }

    fn from_sql_null(_ty: &Type) -> Result<Self, Fault> {
        Ok(Self(Value::Null))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

pub(super) fn row(found: &tokio_postgres::Row) -> Result<Row, DbError> {
    let cell = |i| found.try_get::<_, Cell>(i).map(|cell| cell.0).map_err(|_unfit| DbError::Type);
    (0..found.len()).map(cell).collect::<Result<_, _>>().map(Row::new)
}

/// Why no session came about.
pub(super) fn translate_connect(error: &tokio_postgres::Error) -> DbError {
    match error.code() {
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => DbError::Misconfigured("database name"),
        Some(code) if code.code().starts_with("28") => DbError::Misconfigured("user or password"),
        Some(_) | None => translate(error),
    }
}

pub(super) fn translate(error: &tokio_postgres::Error) -> DbError {
    let Some(code) = error.code() else {
        let unfit = error.source().is_some_and(|source| source.is::<Unfit>());
        // Without a code from the server, all but our own refusal is a lost connection.
        return if unfit { DbError::Type } else { DbError::Disconnected };
    };
    let code = code.code();
    match code {
        "23505" => DbError::Constraint(Constraint::Unique),
        "23503" => DbError::Constraint(Constraint::ForeignKey),
        "23502" => DbError::Constraint(Constraint::NotNull),
        "23514" => DbError::Constraint(Constraint::Check),
        // Serialisation failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => DbError::Retry,
        "25006" => DbError::ReadOnly,
        "25P02" => DbError::Aborted,
        // Out of range, bad encoding, other type, unreadable literal, too long.
        "22003" | "22021" | "42804" | "22P02" | "22001" => DbError::Type,
        "53100" => DbError::Full,
        // Statement timeout, out of memory, no free session.
        "57014" | "53200" | "53300" => DbError::Busy,
        "58030" => DbError::Io,
        "XX001" | "XX002" => DbError::Corrupt,
        // The server stops, has crashed, is not ready, or cut an idle session.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => DbError::Disconnected,
        other if other.starts_with("08") => DbError::Disconnected,
        other if other.starts_with("23") => DbError::Constraint(Constraint::Other),
        other => DbError::Sql(other.to_owned()),
    }
}
