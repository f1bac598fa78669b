//! Identifiers derived from the list: the same entry gives the same ids on every node and every day.
//!
//! A claim's id covers its place and what it says. So reading again changes nothing, the order of aliases does
//! not matter, and a changed statement is a new claim beside one that is no longer confirmed. It does not cover
//! grade, handling or dates of the import: those are the node's, not the list's.

use mithaq_model::{ClaimId, SubjectId, Value};
use sha2::{Digest as _, Sha256};

/// Changes whenever the meaning of the hashed bytes does.
const DOMAIN: &str = "mithaq/interop/un-list/1";

pub(super) fn subject(list: &str, data_id: &str) -> SubjectId {
    SubjectId::new(digest(&[DOMAIN, "subject", list, data_id]))
}

pub(super) fn claim(list: &str, data_id: &str, path: &str, value: &Value) -> ClaimId {
    let said = content(value);
    let mut parts = vec![DOMAIN, "claim", list, data_id, path];
    parts.extend(said.iter().map(String::as_str));
    ClaimId::new(digest(&parts))
}

/// Each part behind its length: no two lists of parts give the same bytes.
fn digest(parts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut id = [0_u8; 16];
    id.iter_mut().zip(hash.finalize()).for_each(|(place, byte)| *place = byte);
    id
}

fn content(value: &Value) -> Vec<String> {
    let tagged = |tag: &str, rest: &str| vec![tag.to_owned(), rest.to_owned()];
    match value {
        Value::Name { full, script, kind, form, quality } => vec![
            "name".to_owned(),
            full.reveal().to_owned(),
            script.code().to_owned(),
            kind.code().to_owned(),
            form.code().to_owned(),
            quality.code().to_owned(),
        ],
        Value::Date(date) => tagged("date", &date.to_string()),
        Value::Document(document) => {
            let text = |t: &Option<mithaq_model::Text>| t.as_ref().map_or("", |t| t.reveal()).to_owned();
            vec![
                "document".to_owned(),
                document.kind.reveal().to_owned(),
                document.number.reveal().to_owned(),
                text(&document.issuer),
                document.issued.map(|date| date.to_string()).unwrap_or_default(),
                text(&document.note),
            ]
        }
        Value::Position(at) => {
            tagged("position", &format!("{},{},{}", at.latitude_e6, at.longitude_e6, at.precision_m))
        }
        Value::Sex(sex) => tagged("sex", sex.code()),
        Value::Status(status) => tagged("status", status.code()),
        Value::Class { class, ground } => {
            vec!["class".to_owned(), class.code().to_owned(), ground.reveal().to_owned()]
        }
        Value::Text(text) => tagged("text", text.reveal()),
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
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        let (f, m) = (Value::Sex(Sex::Female), Value::Sex(Sex::Male));
        assert_ne!(claim("l", "1", "GENDER", &f), claim("l", "1", "GENDER", &m));
        assert_ne!(claim("l", "1", "GENDER", &f), claim("l", "2", "GENDER", &f));
    }
}
