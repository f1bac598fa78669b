//! How the command line talks: data on standard output, talk on standard error, one JSON document per command
//! with `--json`, and an exit code that says what happened. Knows no command.

use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

use mithaq_model::Lang;
use serde_json::Value as Json;

/// What a command ended with. The numbers are part of the interface (`mithaq help exit-codes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// It failed: something is out of reach or broken.
    Failed,
    /// The command line or a file is wrong.
    Usage,
    /// The rules refused. Not a fault of the program.
    Refused,
    /// Nothing by that number is open to you.
    NotFound,
    /// A check did not hold: damaged, forged or incomplete.
    NotVerified,
    /// It holds in itself and was compared with nothing the caller knows.
    NotAnchored,
    /// A node ended without its database.
    Left,
}

impl Exit {
    const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::NotVerified => 5,
            Self::NotAnchored => 6,
            Self::Left => 7,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// The numbers and what they say, for the help text.
pub(crate) const EXIT_CODES: &str = "\
0  done
1  failed: something is out of reach or broken; try again or see the hint
2  the command line or a file is wrong
3  the rules refused; the code, clause and reason are printed
4  nothing by that number is open to you
5  a check did not hold: damaged, forged, incomplete, too few countersignatures, or it shows a breach of the rules
6  the evidence holds in itself and was compared with nothing you know: give --agreement, --root or --log
7  the node ended without its database, which does not answer; nothing is lost";

/// A failure as people and programs read it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
    /// Whether the document that was printed tells it already.
    told: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &str, text: impl Into<String>) -> Self {
        Self { exit, code: code.to_owned(), text: text.into(), hint: None, told: false }
    }

    fn json(&self) -> Json {
        serde_json::json!({ "code": self.code, "text": self.text, "hint": self.hint })
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Failed, "cli.failed", format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, "cli.io", error.to_string())
    }
}

/// Where output goes and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) json: bool,
    pub(crate) lang: Lang,
    pub(crate) quiet: bool,
}

impl Ui {
    /// Prints the result of a command: a JSON document, or the lines a person reads.
    pub(crate) fn result(&self, json: &Json, lines: &[String]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{json}")?;
        } else {
            for line in lines {
                writeln!(out, "{}", harmless(line))?;
            }
        }
        out.flush()?;
        Ok(())
    }

    /// Prints the result of a command that judges, and passes the verdict on. With `--json` both are one document.
    pub(crate) fn judged(
        &self,
        mut json: Json,
        lines: &[String],
        verdict: Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let (Err(failure), Json::Object(fields)) = (&verdict, &mut json) {
            fields.insert("error".to_owned(), failure.json());
        }
        self.result(&json, lines)?;
        verdict.map_err(|failure| Failure { told: self.json, ..failure })
    }

    /// Prints one line of talk; nothing with `--quiet`.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            // A closed standard error is no reason to stop working.
            let _closed = writeln!(std::io::stderr(), "{}", harmless(line));
        }
    }

    /// Prints a failure: what failed first, then the next action.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            if failure.told {
                return;
            }
            let json = serde_json::json!({ "error": failure.json() });
            let _closed = writeln!(std::io::stdout(), "{json}");
            return;
        }
        let _closed = writeln!(std::io::stderr(), "error: {} ({})", harmless(&failure.text), failure.code);
        if let Some(hint) = &failure.hint {
            let _closed = writeln!(std::io::stderr(), "hint: {}", harmless(hint));
        }
    }

    /// Returns the sentence in the person's language.
    pub(crate) fn words(&self, words: &mithaq_model::Words4) -> &'static str {
        words.get(self.lang)
    }
}

/// Foreign text as it may be shown on a terminal: characters that move the cursor, change colours, hide or turn around
/// what is written stand as `\u{1b}`. Ends of lines and tabs too, so that no text can pretend to be another line.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| mithaq_model::moves_text(c) || matches!(c, '\n' | '\t'))
}

/// Lines of ours may hold tabs and ends of lines; what came into them from outside without [`shown`] still moves nothing.
fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, mithaq_model::moves_text)
}

fn escaped(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if bad(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// The person's language: the option, else the environment, else English.
pub(crate) fn language(option: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Lang {
    let from = |text: &str| {
        let code = text.get(..2)?;
        Lang::INTERFACE.iter().copied().find(|lang| lang.code() == code)
    };
    option
        .and_then(from)
        .or_else(|| {
            ["MITHAQ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .filter_map(|name| environment(name))
                .find_map(|value| from(&value))
        })
        .unwrap_or(Lang::EN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_the_option_then_the_environment_then_english() {
        let env = |name: &str| (name == "LANG").then(|| "fr_FR.UTF-8".to_owned());
        assert_eq!(language(Some("ar"), env), Lang::AR);
        assert_eq!(language(None, env), Lang::FR);
        assert_eq!(language(Some("de"), |_| None), Lang::EN);
        assert_eq!(language(None, |_| Some("C".to_owned())), Lang::EN);
    }

    #[test]
    fn foreign_text_moves_no_cursor_and_makes_no_line() {
        assert_eq!(
            shown("Nina \u{1b}[2J\u{9b}1m\u{202e}x\n\ty"),
            r"Nina \u{1b}[2J\u{9b}1m\u{202e}x\u{a}\u{9}y"
        );
        assert_eq!(harmless("one\ttwo\nthree\u{7f}"), "one\ttwo\nthree\\u{7f}");
        assert!(matches!(shown("محمد"), Cow::Borrowed("محمد")));
    }

    #[test]
    fn a_verdict_is_told_once() {
        let broken = || Err(Failure::new(Exit::NotVerified, "x.broken", "it does not hold"));
        let ui = |json| Ui { json, lang: Lang::EN, quiet: true };
        let told = |json| ui(json).judged(serde_json::json!({ "seen": 1 }), &[], broken()).unwrap_err().told;
        assert!(told(true), "the document has it");
        assert!(!told(false), "the lines do not");
        assert!(ui(true).judged(serde_json::json!({}), &[], Ok(())).is_ok());
    }

    #[test]
    fn exit_codes_differ() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Refused,
            Exit::NotFound,
            Exit::NotVerified,
            Exit::NotAnchored,
            Exit::Left,
        ];
        let numbers: std::collections::BTreeSet<_> = all.iter().map(|e| e.number()).collect();
        assert_eq!(numbers.len(), all.len());
        for exit in all {
            assert!(EXIT_CODES.lines().any(|l| l.starts_with(&exit.number().to_string())));
        }
    }
}
