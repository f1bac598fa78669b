//! Finds statements of special categories in text, in the four languages of the interface (limit L1). It reads
//! words, not meaning: what it finds goes to the legal adviser, and what it misses stays the duty of the author
//! and the reviewer. The words are a reviewed table, `data/special_categories.tsv`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mithaq_model::{Report, SpecialCategory, Text, Value};

const TABLE: &str = include_str!("../../../data/special_categories.tsv");
/// What may follow a first word: the words after it, and the category of the whole.
type Rest = (Vec<String>, SpecialCategory);

/// Phrases, normalised, by their first word: nearly every word of a text begins none, and is looked up once.
static PHRASES: LazyLock<BTreeMap<String, Vec<Rest>>> = LazyLock::new(|| {
    let mut phrases: BTreeMap<String, Vec<Rest>> = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (category, _lang, phrase) = (columns.next(), columns.next(), columns.next());
        if let (Some(Ok(category)), Some(phrase)) = (category.map(SpecialCategory::from_code), phrase) {
            let mut words = words(phrase).into_iter();
            let Some(first) = words.next() else { continue };
            let (known, rest) = (phrases.entry(first).or_default(), words.collect());
            known.retain(|(other, _)| *other != rest);
            known.push((rest, category));
        }
    }
    // Short ones first: findings come in the order of their length.
    phrases.values_mut().for_each(|rests| rests.sort_by_key(|(rest, _)| rest.len()));
    phrases
});

/// What was found where. Shows no word of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which category.
    pub category: SpecialCategory,
    /// Number of the first word, from 0.
    pub word: usize,
    /// How many words.
    pub words: usize,
}

/// Returns what a text seems to say of special categories.
#[must_use]
pub fn text(text: &str) -> Vec<Finding> {
    let words = words(text);
    let mut found = Vec::new();
    for (start, word) in words.iter().enumerate() {
        let after = words.get(start.saturating_add(1)..).unwrap_or_default();
        for (rest, category) in PHRASES.get(word).into_iter().flatten() {
            if after.starts_with(rest) {
                let words = rest.len().saturating_add(1);
                found.push(Finding { category: *category, word: start, words });
            }
        }
    }
    found
}

/// Returns the categories a report seems to speak of: title, offence, facts, assessments, what a request asks, and
/// what its claims say in words.
#[must_use]
pub fn report(report: &Report) -> Vec<SpecialCategory> {
    let own = [&report.title, &report.offence].into_iter();
    let facts = report.facts.iter().map(|fact| &fact.text);
    let assessments = report.assessments.iter().map(|assessment| &assessment.text);
    let asked = report.asks().into_iter().flat_map(|ask| {
        let optional = ask.authorisation.iter().chain(&ask.urgency_reason);
        let links = ask.connections.iter().map(|one| &one.text);
        ask.sought.iter().chain([&ask.why_there, &ask.basis]).chain(optional).chain(links)
    });
    let claims =
        report.subjects.iter().flat_map(|subject| subject.claims()).filter_map(|claim| said(&claim.value));
    let mut found: Vec<SpecialCategory> = own
        .chain(facts)
        .chain(assessments)
        .chain(asked)
        .chain(claims)
        .flat_map(|one: &Text| text(one.reveal()))
        .map(|finding| finding.category)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The running text of a value. Names are not screened: a name says nothing about its bearer.
fn said(value: &Value) -> Option<&Text> {
    match value {
        Value::Text(text) => Some(text),
        Value::Class { ground, .. } => Some(ground),
        Value::Document(document) => document.note.as_ref(),
        Value::Name { .. } | Value::Date(_) | Value::Position(_) | Value::Sex(_) | Value::Status(_) => None,
    }
}

/// Words in lower case without marks and without the Arabic article and conjunctions written to the word.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .filter(|word| !word.is_empty())
        .map(fold)
        .collect()
}

fn fold(word: &str) -> String {
    if word.is_ascii() {
        // No marks, no article, one character for one.
        return word.to_ascii_lowercase();
    }
    let plain: String =
        word.chars().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase).map(base).collect();
    for prefix in ["وال", "بال", "ال"] {
        if let Some(rest) = plain.strip_prefix(prefix)
            && rest.chars().count() >= 3
        {
            return rest.to_owned();
        }
    }
    plain
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}')
}

/// Letters that writers exchange freely.
const fn base(c: char) -> char {
    match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let rows: Vec<_> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(rows.len() > 100 && PHRASES.values().map(Vec::len).sum::<usize>() > 100);
        for row in &rows {
            let columns: Vec<_> = row.split('\t').collect();
            assert!(columns.len() >= 3 && SpecialCategory::from_code(columns[0]).is_ok(), "{row}");
            assert!(["ar", "en", "es", "fr"].contains(&columns[1]), "{row}");
        }
        for category in SpecialCategory::ALL {
            for lang in ["ar", "en", "es", "fr"] {
                let there = rows.iter().any(|row| row.starts_with(&format!("{category}\t{lang}\t")));
                assert!(there, "{category} {lang}");
            }
        }
    }

    #[test]
    fn statements_are_found_in_four_languages() {
        for (sentence, category) in [
            ("He is a Shia Muslim and prays often", SpecialCategory::ReligionBelief),
            ("Il souffre d'une hépatite depuis 2019", SpecialCategory::Health),
            ("Es miembro del sindicato local", SpecialCategory::Union),
            ("ينتمي إلى الطائفة الشيعية", SpecialCategory::ReligionBelief),
            ("his sexual orientation is known", SpecialCategory::SexLifeOrientation),
            ("est d'origine ethnique inconnue", SpecialCategory::RaceEthnic),
            ("a DNA profile was taken", SpecialCategory::Genetic),
        ] {
            assert!(text(sentence).iter().any(|f| f.category == category), "{sentence}");
        }
    }

    #[test]
    fn every_phrase_of_the_table_is_found_whole_wherever_it_stands() {
        for row in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let phrase = row.split('\t').nth(2).unwrap_or_default();
            let length = words(phrase).len();
            let found = text(&format!("before {phrase} after"));
            assert!(found.iter().any(|one| one.word == 1 && one.words == length), "{row}");
        }
    }

    #[test]
    fn plain_reports_pass() {
        for sentence in [
            "Three persons crossed the border at night in a white van",
            "Le suspect a loué un appartement près de la gare",
            "Se ha identificado al organizador del viaje",
            "سافر الشخص إلى الخارج بجواز سفر مزور",
            "",
        ] {
            assert_eq!(text(sentence), [], "{sentence}");
        }
    }

    #[test]
    fn findings_show_no_word() {
        assert!(!format!("{:?}", text("a Muslim")).to_lowercase().contains("muslim"));
    }
}
