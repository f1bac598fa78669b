//! What the command line keeps of a record beside the index, as a note of it: all names, and what else is known.

use mithaq_names::{Details, Kind, Name, Sex};
use serde::{Deserialize, Serialize};

use super::details;
use crate::ui::{Exit, Failure};

/// A record as the command line keeps it beside the index, to show who was found and to weigh what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) names: Vec<CardName>,
    /// ISO 8601, as precise as known; what cannot be read as a date is shown and not weighed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) born: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) places: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) documents: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nationalities: Vec<String>,
    /// `f`, `m` or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) sex: String,
}

/// A name and how far it identifies: `good`, `low`, or nothing said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardName {
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) quality: String,
}

impl Card {
    pub(crate) fn named(id: &str, kind: Kind, name: &str) -> Self {
        let names = vec![CardName { text: name.to_owned(), quality: String::new() }];
        Self { id: id.to_owned(), kind: super::kind_code(kind).to_owned(), names, ..Self::default() }
    }

    pub(crate) fn kind(&self) -> Kind {
        super::kind_of(&self.kind).unwrap_or(Kind::Person)
    }

    /// True when there is more to show than the name the index has.
    pub(crate) fn is_rich(&self) -> bool {
        let more = [&self.born, &self.places, &self.documents, &self.nationalities];
        self.names.len() > 1 || !self.sex.is_empty() || more.iter().any(|values| !values.is_empty())
    }

    /// Takes over what another card of the record knows and this one does not.
    pub(crate) fn join(&mut self, other: Self) {
        for name in other.names {
            self.name(name);
        }
        let both = [
            (&mut self.born, other.born),
            (&mut self.places, other.places),
            (&mut self.documents, other.documents),
            (&mut self.nationalities, other.nationalities),
        ];
        for (mine, others) in both {
            for value in others {
                if !mine.contains(&value) {
                    mine.push(value);
                }
            }
        }
        if self.sex.is_empty() {
            self.sex = other.sex;
        }
    }

    /// Adds a name that is not there yet.
    pub(crate) fn name(&mut self, name: CardName) {
        match self.names.iter_mut().find(|known| known.text == name.text) {
            Some(known) if known.quality.is_empty() => known.quality = name.quality,
            Some(_) => {}
            None => self.names.push(name),
        }
    }

    /// What is weighed beside the name.
    pub(crate) fn details(&self) -> Details {
        Details {
            births: self.born.iter().filter_map(|date| details::birth(date).ok()).collect(),
            birth_places: self.places.iter().flat_map(|place| places(place)).collect(),
            nationalities: self.nationalities.iter().filter_map(|state| mithaq_names::state(state)).collect(),
            sex: match self.sex.as_str() {
                "f" => Some(Sex::Female),
                "m" => Some(Sex::Male),
                _ => None,
            },
            documents: self.documents.iter().filter_map(|text| details::document(text).ok()).collect(),
        }
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, Failure> {
        Ok(serde_json::to_vec(self).map_err(anyhow::Error::from)?)
    }

    pub(crate) fn read(note: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(note).map_err(|error| {
            Failure::new(
                Exit::NotVerified,
                "names.damaged",
                format!("a note of the index is no record: {error}"),
            )
            .hint("build the index again from its source: `mithaq names index build FILE --replace`")
        })
    }
}

/// A place as it is written, and each part of it: "Kalmora, Northern Province" is Kalmora too.
fn places(text: &str) -> impl Iterator<Item = Name> + '_ {
    let parts = text.split(',').filter(move |part| part.len() < text.len());
    std::iter::once(text).chain(parts).take(8).map(|place| Name::parse_as(Kind::Place, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cards_of_a_record_lose_nothing() {
        let mut old =
            Card { born: vec!["1961".into()], sex: "f".into(), ..Card::named("a", Kind::Person, "Nina") };
        let mut new =
            Card { born: vec!["1961".into(), "1962".into()], ..Card::named("a", Kind::Person, "Нина") };
        new.name(CardName { text: "Nina".into(), quality: "good".into() });
        old.join(new);
        assert_eq!((old.names.len(), old.born.len(), old.sex.as_str()), (2, 2, "f"));
        assert_eq!(old.names[0].quality, "good");
        assert_eq!(Card::read(&old.write().unwrap()).unwrap(), old);
        assert!(Card::read(b"{").is_err_and(|failure| failure.exit == Exit::NotVerified));
    }
}
