//! Reads single values of an agreement, and says at which line a wrong one stands.

use std::fmt::Display;

use mithaq_model::Timestamp;

use super::super::AgreementError;

/// Where a field stands, to say so.
pub(super) struct Lines<'a>(pub(super) &'a str);

impl Lines<'_> {
    pub(super) fn error(&self, field: &str, problem: impl Display) -> AgreementError {
        let key = field.rsplit('.').next().unwrap_or(field);
        let at = self.0.lines().position(|line| {
            let line = line.trim();
            let heads = line.trim_matches(['[', ']']) == key && line.starts_with('[');
            heads || line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        AgreementError::Field {
            line: at.map_or(0, |line| line + 1),
            field: field.to_owned(),
            problem: problem.to_string(),
        }
    }

    pub(super) fn read<T, E>(
        &self,
        field: &str,
        text: &str,
        read: impl Fn(&str) -> Result<T, E>,
        want: &str,
    ) -> Result<T, AgreementError> {
        read(text)
            .map_err(|_refused| self.error(field, format!("does not know `{}`; write {want}", shown(text))))
    }

    pub(super) fn list<T: PartialEq, E>(
        &self,
        field: &str,
        texts: &[String],
        read: impl Fn(&str) -> Result<T, E>,
        want: &str,
    ) -> Result<Vec<T>, AgreementError> {
        let mut all = Vec::with_capacity(texts.len());
        for text in texts {
            let value = self.read(field, text, &read, want)?;
            if all.contains(&value) {
                return Err(self.error(field, format!("names `{}` twice", shown(text))));
            }
            all.push(value);
        }
        if all.is_empty() {
            Err(self.error(field, "is empty, which means nothing at all; name what is meant"))
        } else {
            Ok(all)
        }
    }

    pub(super) fn within(
        &self,
        field: &str,
        number: u32,
        least: u32,
        most: u32,
    ) -> Result<u32, AgreementError> {
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(self.error(field, format!("is {number}; write {least} to {most}")))
        }
    }

    pub(super) fn date(&self, field: &str, text: &str) -> Result<Timestamp, AgreementError> {
        Timestamp::parse(text).ok_or_else(|| self.error(field, "is no date; write for example `2026-11-24`"))
    }

    pub(super) fn line(&self, field: &str, text: &str) -> Result<String, AgreementError> {
        let good = !text.trim().is_empty() && text.len() <= 1_024 && !text.chars().any(char::is_control);
        if good {
            Ok(text.trim().to_owned())
        } else {
            Err(self.error(field, "is empty, too long or holds a control character"))
        }
    }
}

/// The caller's own words, cut to what fits an error.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
