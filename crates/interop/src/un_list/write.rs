//! One claim after the other: asks the screen, keeps what is said once, adds what the importing node says
//! about all of them. Does not know the list.

use std::collections::BTreeSet;

use mithaq_model::{
    Attribute, Claim, ClaimId, ClaimSource, Lang, Script, SpecialCategory, Text, TextError, Value,
};

use super::node::Mark;
use super::{ListRef, Options, id};
use crate::Loss;

pub(super) struct Writer<'a, 'o> {
    options: &'a Options<'o>,
    list: &'a ListRef,
    ids: BTreeSet<ClaimId>,
    pub(super) claims: Vec<Claim>,
    pub(super) categories: Vec<SpecialCategory>,
}

impl<'a, 'o> Writer<'a, 'o> {
    pub(super) const fn new(options: &'a Options<'o>, list: &'a ListRef) -> Self {
        Self { options, list, ids: BTreeSet::new(), claims: Vec::new(), categories: Vec::new() }
    }

    /// Adds a claim unless the entry said the same before.
    pub(super) fn say(&mut self, path: &str, attribute: Attribute, value: Value) -> Mark {
        let id = id::claim(self.options.list, &self.list.data_id, path, &value);
        if !self.ids.insert(id) {
            return Mark::Lost(Loss::Repeated);
        }
        self.claims.push(Claim {
            id,
            attribute,
            value,
            originator: self.options.originator.clone(),
            source: ClaimSource::PublicList,
            source_ref: self.list.source_ref.clone(),
            report: None,
            grade: self.options.grade,
            handling: self.options.handling.clone(),
            recorded: self.options.recorded,
            expires: self.options.expires,
        });
        Mark::Carried
    }

    /// Adds a claim in words, screened.
    pub(super) fn words(&mut self, path: &str, attribute: Attribute, words: &str) -> Mark {
        if let Some(loss) = self.screen(attribute, words) {
            return Mark::Lost(loss);
        }
        let text = match attribute {
            Attribute::Comment => Text::new(language(words), words),
            Attribute::Address
            | Attribute::Born
            | Attribute::Class
            | Attribute::Contact
            | Attribute::Document
            | Attribute::Listing
            | Attribute::Name
            | Attribute::Nationality
            | Attribute::Place
            | Attribute::Position
            | Attribute::Role
            | Attribute::Sex
            | Attribute::Status
            | Attribute::Title => Text::line(language(words), words),
        };
        match text {
            Ok(text) => self.say(path, attribute, Value::Text(text)),
            Err(error) => Mark::Lost(refused(error)),
        }
    }

    /// Asks the screen; a text it fires on is lost whole, and every category is counted.
    pub(super) fn screen(&mut self, attribute: Attribute, text: &str) -> Option<Loss> {
        let categories = (self.options.screen)(attribute, text);
        let loss = categories.first().map(|category| Loss::Screened(*category));
        self.categories.extend(categories);
        loss
    }
}

/// The list is written in English; what is not in Latin letters may be in any language of its script.
pub(super) fn language(text: &str) -> Lang {
    if text.is_ascii() || Script::of(text) == Script::Latin { Lang::EN } else { Lang::UND }
}

pub(super) const fn refused(error: TextError) -> Loss {
    match error {
        TextError::TooLong { .. } => Loss::TooLong,
        TextError::Empty | TextError::Control | TextError::Language => Loss::Unreadable,
    }
}
