//! A result as people and programs read it: what was measured, how it stands to its goals, and on what.

use serde_json::{Value as Json, json};

use super::machine::Machine;
use crate::ui::{Failure, Ui};

/// What a number is to reach, and what it aims at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    AtLeast { reach: f64, aim: f64 },
    AtMost { reach: f64, aim: f64 },
    None,
}

/// One number.
pub(super) struct Number {
    what: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// Everything one measurement found.
pub(super) struct Outcome {
    name: &'static str,
    machine: Machine,
    numbers: Vec<Number>,
    notes: Vec<String>,
}

impl Outcome {
    pub(super) fn new(name: &'static str, machine: Machine) -> Self {
        Self { name, machine, numbers: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn number(&mut self, what: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.numbers.push(Number { what: what.into(), value, unit, goal });
    }

    /// Something a reader of the numbers must know.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub(super) fn print(&self, ui: Ui) -> Result<(), Failure> {
        let mut lines: Vec<String> = self.numbers.iter().map(Number::line).collect();
        lines.extend(self.notes.iter().map(|note| format!("note      {note}")));
        lines.extend(self.machine.lines());
        let numbers: Vec<Json> = self.numbers.iter().map(Number::json).collect();
        let json = json!({ "bench": self.name, "numbers": numbers, "notes": self.notes,
            "machine": self.machine.json() });
        ui.result(&json, &lines)
    }
}

impl Number {
    fn line(&self) -> String {
        let shown = format!("{} {}", digits(self.value), self.unit);
        let goal = match self.goal {
            Goal::None => String::new(),
            Goal::AtLeast { reach, aim } | Goal::AtMost { reach, aim } => {
                format!(
                    "   reach {} {}, aim {} {}",
                    digits(reach),
                    self.holds(reach),
                    digits(aim),
                    self.holds(aim)
                )
            }
        };
        format!("{:<58} {shown:>18}{goal}", self.what)
    }

    fn holds(&self, goal: f64) -> &'static str {
        let holds = match self.goal {
            Goal::AtLeast { .. } => self.value >= goal,
            Goal::AtMost { .. } => self.value <= goal,
            Goal::None => true,
        };
        if holds { "(yes)" } else { "(NO)" }
    }

    fn json(&self) -> Json {
        let (reach, aim) = match self.goal {
            Goal::AtLeast { reach, aim } | Goal::AtMost { reach, aim } => (Some(reach), Some(aim)),
            Goal::None => (None, None),
        };
        json!({ "what": self.what, "value": self.value, "unit": self.unit, "reach": reach, "aim": aim })
    }
}

/// Whole numbers with separators from a hundred on, else two decimals.
fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    if value.abs() < 100.0 {
        return if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    }
    let whole = format!("{:.0}", value.abs());
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        let shown = [0.0, 1.0, 3.456, 99.0, 100.0, 1_234.5, 1_234_567.0, -1_000.0].map(digits);
        assert_eq!(shown, ["0", "1", "3.46", "99", "100", "1,234", "1,234,567", "-1,000"]);
        assert_eq!(digits(f64::NAN), "-");
    }

    #[test]
    fn a_goal_says_whether_it_holds() {
        let number = |value, goal| Number { what: "x".to_owned(), value, unit: "/s", goal };
        let more = number(900.0, Goal::AtLeast { reach: 800.0, aim: 1_000.0 }).line();
        assert!(more.contains("reach 800 (yes), aim 1,000 (NO)"), "{more}");
        let less = number(40.0, Goal::AtMost { reach: 100.0, aim: 30.0 }).line();
        assert!(less.contains("reach 100 (yes), aim 30 (NO)"), "{less}");
    }
}
