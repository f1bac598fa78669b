//! Identifiers derived from the list: the same entry gives the same ids on every node and every day.
//!
//! A claim's id covers its place and what it says. So reading again changes nothing, the order of aliases does
//! not matter, and a changed statement is a new claim beside one that is no longer confirmed. It does not cover
//! grade, handling or dates of the import: those are the node's, not the list's.

use mithaq_model::{ClaimId, SubjectId, Text, Value};
use sha2::{Digest as _, Sha256};

/// Changes whenever the meaning of the hashed bytes does.
const DOMAIN: &str = "mithaq/interop/un-list/1";

pub(super) fn subject(list: &str, data_id: &str) -> SubjectId {
    SubjectId::new(Parts::new(&["subject", list, data_id]).end())
}

pub(super) fn claim(list: &str, data_id: &str, path: &str, value: &Value) -> ClaimId {
    let parts = Parts::new(&["claim", list, data_id, path]);
    let said = match value {
        Value::Name { full, script, kind, form, quality } => {
            parts.all(&["name", full.reveal(), script.code(), kind.code(), form.code(), quality.code()])
        }
        Value::Date(date) => parts.all(&["date", &date.to_string()]),
        Value::Document(document) => {
            let text = |t: &'_ Option<Text>| t.as_ref().map_or_else(String::new, |t| t.reveal().to_owned());
            parts.all(&[
                "document",
                document.kind.reveal(),
                document.number.reveal(),
                &text(&document.issuer),
                &document.issued.map(|date| date.to_string()).unwrap_or_default(),
                &text(&document.note),
            ])
        }
        Value::Position(at) => {
            parts.all(&["position", &format!("{},{},{}", at.latitude_e6, at.longitude_e6, at.precision_m)])
        }
        Value::Sex(sex) => parts.all(&["sex", sex.code()]),
        Value::Status(status) => parts.all(&["status", status.code()]),
        Value::Class { class, ground } => parts.all(&["class", class.code(), ground.reveal()]),
        Value::Text(text) => parts.all(&["text", text.reveal()]),
    };
    ClaimId::new(said.end())
}

/// Each part behind its length: no two lists of parts give the same bytes.
struct Parts(Sha256);

impl Parts {
    fn new(parts: &[&str]) -> Self {
        Self(Sha256::new()).all(&[DOMAIN]).all(parts)
    }

    fn all(mut self, parts: &[&str]) -> Self {
        for part in parts {
            self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            self.0.update(part.as_bytes());
        }
        self
    }

    fn end(self) -> [u8; 16] {
        let mut id = [0_u8; 16];
        id.iter_mut().zip(self.0.finalize()).for_each(|(place, byte)| *place = byte);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{PartialDate, Sex};

    #[test]
    fn pinned_so_that_a_new_version_does_not_import_everything_twice() {
        assert_eq!(subject("un-sc", "110447").to_string(), "S-6KHR9YFPAHM329MCD2A4TDYHCR");
        let date = Value::Date(PartialDate::About(1961));
        assert_eq!(claim("un-sc", "110447", "BORN", &date).to_string(), "K-7X8PRM0TMS8PW9QXW4RJ5Q8XF3");
    }

    #[test]
    fn lengths_keep_neighbours_apart() {
        assert_ne!(Parts::new(&["ab", "c"]).end(), Parts::new(&["a", "bc"]).end());
        let (f, m) = (Value::Sex(Sex::Female), Value::Sex(Sex::Male));
        assert_ne!(claim("l", "1", "GENDER", &f), claim("l", "1", "GENDER", &m));
        assert_ne!(claim("l", "1", "GENDER", &f), claim("l", "2", "GENDER", &f));
    }
}
