//! The four value shapes both engines share, and rows of them.
//!
//! Responsible for conversions in and out of Rust types, all of them checked. Deliberately
//! has no floating point, no dates and no JSON type: those are text or integers by
//! convention, so that both engines store the same bytes. `Debug` prints shapes and
//! lengths, never content.

use std::fmt;

use crate::DbError;

/// Builds the `&[Value]` argument list of a statement from Rust values.
///
/// `args![id, name.as_str(), None::<i64>]` is the value of `$1`, `$2`, `$3`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*] as &[$crate::Value]
    };
}

/// One SQL value. Integers are 64 bits and signed; text is UTF-8 without U+0000.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// `BIGINT`.
    Int(i64),
    /// `TEXT`; U+0000 is refused on both engines because PostgreSQL cannot store it.
    Text(String),
    /// `BLOB` or `BYTEA`.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Value {
    /// Shape and length only: a driver or a test may log a value, content must not follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Int(_) => f.write_str("Int(..)"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    /// Truth is stored as 0 or 1.
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl TryFrom<u64> for Value {
    type Error = DbError;

    /// Stores an unsigned number; [`DbError::Type`] above `i64::MAX`.
    fn try_from(value: u64) -> Result<Self, DbError> {
        i64::try_from(value).map(Self::Int).map_err(|_out_of_range| DbError::Type)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One result row; columns are read by index from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// Returns the number of columns.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether the row has no column.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the columns themselves.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Returns column `i`.
    ///
    /// # Errors
    /// [`DbError::Type`] if there is no such column.
    pub fn value(&self, i: usize) -> Result<&Value, DbError> {
        self.values.get(i).ok_or(DbError::Type)
    }

    /// Returns column `i` as an integer.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null or of another type.
    pub fn int(&self, i: usize) -> Result<i64, DbError> {
        self.opt_int(i)?.ok_or(DbError::Type)
    }

    /// Returns column `i` as an unsigned integer.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null, negative or of another type.
    pub fn unsigned(&self, i: usize) -> Result<u64, DbError> {
        self.opt_unsigned(i)?.ok_or(DbError::Type)
    }

    /// Returns column `i` as text.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null or of another type.
    pub fn text(&self, i: usize) -> Result<&str, DbError> {
        self.opt_text(i)?.ok_or(DbError::Type)
    }

    /// Returns column `i` as bytes.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null or of another type.
    pub fn bytes(&self, i: usize) -> Result<&[u8], DbError> {
        self.opt_bytes(i)?.ok_or(DbError::Type)
    }

    /// Returns column `i` as exactly `N` bytes.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null, of another type or another length.
    pub fn array<const N: usize>(&self, i: usize) -> Result<[u8; N], DbError> {
        self.bytes(i)?.try_into().map_err(|_other_length| DbError::Type)
    }

    /// Returns column `i` as an integer, `None` for null.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent or of another type.
    pub fn opt_int(&self, i: usize) -> Result<Option<i64>, DbError> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            Value::Text(_) | Value::Bytes(_) => Err(DbError::Type),
        }
    }

    /// Returns column `i` as an unsigned integer, `None` for null.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, negative or of another type.
    pub fn opt_unsigned(&self, i: usize) -> Result<Option<u64>, DbError> {
        let number = self.opt_int(i)?;
        number.map(u64::try_from).transpose().map_err(|_negative| DbError::Type)
    }

    /// Returns column `i` as text, `None` for null.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent or of another type.
    pub fn opt_text(&self, i: usize) -> Result<Option<&str>, DbError> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Int(_) | Value::Bytes(_) => Err(DbError::Type),
        }
    }

    /// Returns column `i` as bytes, `None` for null.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent or of another type.
    pub fn opt_bytes(&self, i: usize) -> Result<Option<&[u8]>, DbError> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Int(_) | Value::Text(_) => Err(DbError::Type),
        }
    }

    /// Moves column `i` out as text, leaving null behind.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null or of another type; the column is then gone.
    pub fn take_text(&mut self, i: usize) -> Result<String, DbError> {
        match self.take(i)? {
            Value::Text(text) => Ok(text),
            Value::Null | Value::Int(_) | Value::Bytes(_) => Err(DbError::Type),
        }
    }

    /// Moves column `i` out as bytes, leaving null behind.
    ///
    /// # Errors
    /// [`DbError::Type`] if it is absent, null or of another type; the column is then gone.
    pub fn take_bytes(&mut self, i: usize) -> Result<Vec<u8>, DbError> {
        match self.take(i)? {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Null | Value::Int(_) | Value::Text(_) => Err(DbError::Type),
        }
    }

    fn take(&mut self, i: usize) -> Result<Value, DbError> {
        let slot = self.values.get_mut(i).ok_or(DbError::Type)?;
        Ok(std::mem::replace(slot, Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_content() {
        let row = Row::new(vec![Value::from("secret"), Value::from(4711_i64), Value::from([1, 2])]);
        let shown = format!("{row:?}");
        assert!(!shown.contains("secret") && !shown.contains("4711"), "{shown}");
        assert!(shown.contains("Text(6 bytes)"), "{shown}");
    }

    #[test]
    fn getters_refuse_other_types_absent_columns_and_null() {
        let row = Row::new(vec![Value::Null, Value::Int(-1), Value::from("a"), Value::from([7_u8; 3])]);
        assert_eq!(row.int(0), Err(DbError::Type));
        assert_eq!(row.opt_int(0), Ok(None));
        assert_eq!(row.int(1), Ok(-1));
        assert_eq!(row.unsigned(1), Err(DbError::Type));
        assert_eq!(row.text(1), Err(DbError::Type));
        assert_eq!(row.bytes(2), Err(DbError::Type));
        assert_eq!(row.array::<3>(3), Ok([7; 3]));
        assert_eq!(row.array::<4>(3), Err(DbError::Type));
        assert_eq!(row.opt_text(4), Err(DbError::Type));
        assert_eq!(Row::new(vec![Value::Int(1)]).take_text(0), Err(DbError::Type));
    }

    #[test]
    fn unsigned_numbers_are_checked() {
        assert_eq!(Value::try_from(5_u64), Ok(Value::Int(5)));
        assert_eq!(Value::try_from(u64::MAX), Err(DbError::Type));
    }
}
