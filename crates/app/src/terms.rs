//! What a subject is found by: normalised parts of names and document numbers, each with its kind before it.
//! The store keeps only keyed hashes of them. Likeness across scripts is the matter of `names`; these are the
//! exact parts.

use std::collections::BTreeSet;

use mithaq_model::{Attribute, Subject, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::error::AppError;
use crate::subjects::Query;

/// Most parts one name gives.
const PARTS_MAX: usize = 16;
/// Fewest parts of a name a search must give when it gives no document.
const PARTS_MIN: usize = 2;

/// Returns what a subject is found by.
pub(crate) fn terms_of(subject: &Subject) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for claim in subject.claims() {
        match (&claim.attribute, &claim.value) {
            (Attribute::Name, Value::Name { full, .. }) => terms.extend(name_parts(full.reveal())),
            (Attribute::Document, Value::Document(document)) => {
                terms.extend(document_number(document.number.reveal()));
            }
            _other => {}
        }
    }
    terms
}

/// Returns the parts of a question.
///
/// # Errors
/// When it is too wide to be asked.
pub(crate) fn query_terms(query: &Query) -> Result<Vec<String>, AppError> {
    let mut terms = BTreeSet::new();
    if let Some(document) = &query.document {
        terms.extend(document_number(document.reveal()));
    }
    let with_document = !terms.is_empty();
    if let Some(name) = &query.name {
        let parts: BTreeSet<String> = name_parts(name.reveal()).collect();
        if parts.len() < PARTS_MIN && !with_document {
            return Err(
                AppError::invalid("name").hint("give at least two parts of a name, or a document number")
            );
        }
        terms.extend(parts);
    }
    if terms.is_empty() {
        return Err(
            AppError::invalid("query").hint("give a name of at least two parts, or a document number")
        );
    }
    Ok(terms.into_iter().collect())
}

fn name_parts(name: &str) -> impl Iterator<Item = String> {
    let folded: String = name.nfkd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase).collect();
    let parts: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| part.chars().count() >= 2)
        .map(|part| format!("name:{part}"))
        .take(PARTS_MAX)
        .collect();
    parts.into_iter()
}

fn document_number(number: &str) -> Option<String> {
    let plain: String = number.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    (plain.chars().count() >= 4).then(|| format!("doc:{plain}"))
}

/// Combining marks, Arabic vowel signs and the tatweel: written or left out at will.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{Lang, Text};

    fn query(name: &str, document: Option<&str>) -> Query {
        let line = |text: &str| Text::line(Lang::EN, text).unwrap();
        Query { name: (!name.is_empty()).then(|| line(name)), document: document.map(line) }
    }

    #[test]
    fn marks_and_case_make_no_difference() {
        assert_eq!(
            query_terms(&query("José-María  ÁLVAREZ", None)).unwrap(),
            query_terms(&query("jose maria alvarez", None)).unwrap()
        );
        assert_eq!(
            query_terms(&query("مُحَمَّد الطـاهر", None)).unwrap(),
            query_terms(&query("محمد الطاهر", None)).unwrap()
        );
    }

    #[test]
    fn a_question_that_is_too_wide_is_refused() {
        for wide in [
            query("", None),
            query("mohamed", None),
            query("a b c", None),
            query("* %", None),
            query("", Some("12")),
        ] {
            assert_eq!(query_terms(&wide).unwrap_err().kind(), crate::ErrorKind::Invalid);
        }
        assert!(query_terms(&query("mohamed", Some("AB 123-456"))).is_ok());
    }

    #[test]
    fn a_long_name_gives_a_bounded_number_of_parts() {
        let long = "ab ".repeat(300);
        assert_eq!(query_terms(&query(&format!("{long} cd"), Some("123456"))).unwrap().len(), 2);
    }
}
