//! Small things every repository needs: checked conversions between rows and model types, paging, and the
//! length-prefixed packing of texts that are encrypted together. Knows no table.

use core::str::FromStr;

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, Id16, Lang, PartyId, ReportVersion, Text, Timestamp, UnknownCode};
use mithaq_wire::Digest;
use sha2::Digest as _;

use crate::StoreError;

/// Builds one row of values for `exec_many`.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$(mithaq_db::Value::from($value)),*] };
}
pub(crate) use row;

/// Longest page a list gives.
pub const PAGE_MAX: u32 = 1_000;

/// How far a list goes: at most `limit` rows (bounded by [`PAGE_MAX`]) after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<K> {
    /// The last key of the page before; none for the first page.
    pub after: Option<K>,
    /// Most rows wanted.
    pub limit: u32,
}

impl<K> Page<K> {
    /// The first page.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    pub(crate) fn rows(&self) -> Value {
        Value::from(self.limit.min(PAGE_MAX))
    }
}

impl<K: Id16> Page<K> {
    /// The key to start behind: empty bytes sort before every key.
    pub(crate) fn key(&self) -> Value {
        Value::from(self.after.map_or_else(Vec::new, |key| key.to_bytes().to_vec()))
    }
}

pub(crate) fn int(number: u64) -> Result<Value, StoreError> {
    Value::try_from(number).map_err(StoreError::from)
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

pub(crate) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

pub(crate) fn time(at: Timestamp) -> Value {
    Value::from(at.as_millis())
}

pub(crate) fn id<I: Id16>(id: I) -> Value {
    Value::from(id.to_bytes())
}

pub(crate) fn opt_id<I: Id16>(id: Option<I>) -> Value {
    Value::from(id.map(|id| id.to_bytes().to_vec()))
}

pub(crate) fn agreement(id: &AgreementId) -> Value {
    Value::from(id.as_bytes())
}

/// How many values `IN (…)` has in a statement: few sizes, so that few statements are prepared.
const IN_SIZES: [usize; 4] = [1, 4, 16, 64];

/// Cuts values into lists for `IN (…)`, each with its placeholders, numbered from `first`. A list is filled up with its
/// last value, which is the same set: of use only where a row counts once, as in one `SELECT`, `UPDATE` or `DELETE`.
pub(crate) fn in_lists(values: &[Value], first: usize) -> impl Iterator<Item = (String, Vec<Value>)> {
    let [.., most] = IN_SIZES;
    values.chunks(most).map(move |chunk| {
        let size = IN_SIZES.into_iter().find(|size| *size >= chunk.len()).unwrap_or(most);
        let mut list = chunk.to_vec();
        list.extend(core::iter::repeat_n(chunk.last(), size - chunk.len()).flatten().cloned());
        let marks: Vec<String> = (first..).take(size).map(|number| format!("${number}")).collect();
        (marks.join(", "), list)
    })
}

/// Inserts exactly one row, or says that it is there already.
pub(crate) fn insert_new(
    tx: &mut dyn Tx,
    sql: &str,
    args: &[Value],
    what: &'static str,
) -> Result<(), StoreError> {
    if tx.exec(sql, args)? == 1 { Ok(()) } else { Err(StoreError::Conflict { what }) }
}

/// Changes exactly one row, or says that it is not there.
pub(crate) fn change_one(
    tx: &mut dyn Tx,
    sql: &str,
    args: &[Value],
    what: &'static str,
) -> Result<(), StoreError> {
    if tx.exec(sql, args)? == 1 { Ok(()) } else { Err(StoreError::Missing { what }) }
}

/// Reads rows of one table; whatever does not fit its type is an integrity failure of that table.
#[derive(Clone, Copy)]
pub(crate) struct Of(pub(crate) &'static str);

impl Of {
    pub(crate) const fn broken(self) -> StoreError {
        StoreError::Integrity { table: self.0 }
    }

    pub(crate) fn id<I: Id16>(self, row: &Row, i: usize) -> Result<I, StoreError> {
        Ok(I::from_bytes(row.array(i).map_err(|_shape| self.broken())?))
    }

    pub(crate) fn array16(self, row: &Row, i: usize) -> Result<[u8; 16], StoreError> {
        row.array(i).map_err(|_shape| self.broken())
    }

    pub(crate) fn opt_id<I: Id16>(self, row: &Row, i: usize) -> Result<Option<I>, StoreError> {
        if row.opt_bytes(i).map_err(|_shape| self.broken())?.is_none() {
            return Ok(None);
        }
        self.id(row, i).map(Some)
    }

    pub(crate) fn code<T>(
        self,
        row: &Row,
        i: usize,
        read: fn(&str) -> Result<T, UnknownCode>,
    ) -> Result<T, StoreError> {
        read(row.text(i)?).map_err(|_unknown| self.broken())
    }

    pub(crate) fn opt_code<T>(
        self,
        row: &Row,
        i: usize,
        read: fn(&str) -> Result<T, UnknownCode>,
    ) -> Result<Option<T>, StoreError> {
        row.opt_text(i)?.map(read).transpose().map_err(|_unknown| self.broken())
    }

    /// Codes joined by spaces.
    pub(crate) fn codes<T, C: FromIterator<T>>(
        self,
        row: &Row,
        i: usize,
        read: fn(&str) -> Result<T, UnknownCode>,
    ) -> Result<C, StoreError> {
        let words = row.text(i)?.split(' ').filter(|word| !word.is_empty());
        words.map(read).collect::<Result<C, _>>().map_err(|_unknown| self.broken())
    }

    pub(crate) fn time(self, row: &Row, i: usize) -> Result<Timestamp, StoreError> {
        row.int(i).map(Timestamp::from_millis).map_err(|_shape| self.broken())
    }

    pub(crate) fn opt_time(self, row: &Row, i: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(row.opt_int(i).map_err(|_shape| self.broken())?.map(Timestamp::from_millis))
    }

    pub(crate) fn u32(self, row: &Row, i: usize) -> Result<u32, StoreError> {
        row.unsigned(i).ok().and_then(|n| u32::try_from(n).ok()).ok_or(self.broken())
    }

    pub(crate) fn version(self, row: &Row, i: usize) -> Result<ReportVersion, StoreError> {
        ReportVersion::new(self.u32(row, i)?).ok_or(self.broken())
    }

    pub(crate) fn party(self, row: &Row, i: usize) -> Result<PartyId, StoreError> {
        PartyId::new(row.text(i)?).map_err(|_malformed| self.broken())
    }

    pub(crate) fn digest(self, row: &Row, i: usize) -> Result<Digest, StoreError> {
        row.array(i).map(Digest).map_err(|_shape| self.broken())
    }

    pub(crate) fn agreement(self, row: &Row, i: usize) -> Result<AgreementId, StoreError> {
        row.array(i).map(AgreementId::new).map_err(|_shape| self.broken())
    }

    pub(crate) fn opt_agreement(self, row: &Row, i: usize) -> Result<Option<AgreementId>, StoreError> {
        if row.opt_bytes(i)?.is_none() { Ok(None) } else { self.agreement(row, i).map(Some) }
    }

    pub(crate) fn parsed<T: FromStr>(self, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|_malformed| self.broken())
    }
}

/// Joins codes by spaces, as [`Of::codes`] reads them.
pub(crate) fn join_codes<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.collect::<Vec<_>>().join(" ")
}

/// Puts parts one after another, each behind its length of four bytes.
pub(crate) fn pack(parts: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len().saturating_add(4)).sum());
    for part in parts {
        let length = u32::try_from(part.len()).map_err(|_long| StoreError::Limit { what: "content" })?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
    Ok(out)
}

/// Reads what [`pack`] made of exactly `N` parts.
pub(crate) fn unpack<const N: usize>(bytes: &[u8]) -> Option<[&[u8]; N]> {
    let (mut rest, mut parts) = (bytes, [&[][..]; N]);
    for part in &mut parts {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        (*part, rest) = tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    }
    rest.is_empty().then_some(parts)
}

/// A text as two parts for [`pack`].
pub(crate) fn text_parts(text: &Text) -> [Vec<u8>; 2] {
    [text.lang().code().as_bytes().to_vec(), text.reveal().as_bytes().to_vec()]
}

/// Reads the two parts of [`text_parts`].
pub(crate) fn text_of(lang: &[u8], text: &[u8], of: Of) -> Result<Text, StoreError> {
    let read = |bytes| core::str::from_utf8(bytes).map_err(|_not_text| of.broken());
    let lang = Lang::new(read(lang)?).map_err(|_unknown| of.broken())?;
    Text::new(lang, read(text)?).map_err(|_refused| of.broken())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_parts_come_back(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
            let packed = pack(&[&a, &b]).unwrap();
            prop_assert_eq!(unpack::<2>(&packed), Some([&a[..], &b[..]]));
            prop_assert_eq!(unpack::<1>(&packed), None);
            prop_assert_eq!(unpack::<3>(&packed), None);
        }

        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let _ = unpack::<4>(&bytes);
        }
    }
}
