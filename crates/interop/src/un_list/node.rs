//! One entry as a small tree in which every element carries a mark, so that what no mapping touched is found
//! afterwards and counted. Does not know what the elements mean.

use core::cell::Cell;

use crate::{Loss, LossReport, Weakening};

/// What became of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Carried,
    Lost(Loss),
}

/// An element with its text (white space still as written).
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) attributes: Vec<String>,
    pub(super) children: Vec<Node>,
    mark: Cell<Option<Mark>>,
    weak: Cell<Option<Weakening>>,
}

impl Node {
    pub(super) fn new(name: String, attributes: Vec<String>) -> Self {
        Self { name, attributes, ..Self::default() }
    }

    /// The first mark stands: an element is counted once.
    pub(super) fn mark(&self, mark: Mark) {
        if self.mark.get().is_none() {
            self.mark.set(Some(mark));
        }
    }

    pub(super) fn weaken(&self, weakening: Weakening) {
        self.weak.set(Some(weakening));
    }

    /// Returns the text on one line without what may not be stored; `None` when nothing is left.
    pub(super) fn line(&self) -> Option<String> {
        let trimmed = self.text.trim();
        if trimmed.bytes().all(|b| matches!(b, b' '..=b'~')) && !trimmed.contains("  ") {
            return (!trimmed.is_empty()).then(|| trimmed.to_owned());
        }
        let mut line = String::with_capacity(self.text.len());
        let mut removed = false;
        for c in self.text.chars() {
            if c.is_whitespace() {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            } else if c.is_control()
                || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
            {
                removed = true;
            } else {
                line.push(c);
            }
        }
        line.truncate(line.trim_end().len());
        if removed {
            self.weaken(Weakening::CharactersRemoved);
        }
        (!line.is_empty()).then_some(line)
    }

    /// Returns the first child of a name that holds text, with that text.
    pub(super) fn field(&self, name: &str) -> Option<(&Self, String)> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        named.find_map(|child| child.line().map(|line| (child, line)))
    }

    /// Counts the element and all below it. `path` ends with this element on return as on entry.
    pub(super) fn account(&self, path: &mut String, report: &mut LossReport) -> Mark {
        let mut below: Option<Mark> = None;
        for child in &self.children {
            let before = path.len();
            step(path, &child.name);
            let mark = child.account(path, report);
            path.truncate(before);
            below = Some(stronger(below, mark));
        }
        self.attributes.iter().for_each(|name| leaf(path, "@", name, report, Loss::Unknown));
        let own_text = !self.text.trim().is_empty();
        let mark = match (self.mark.get(), below) {
            (Some(mark), _) => mark,
            (None, Some(below)) => {
                if own_text {
                    leaf(path, "#", "text", report, Loss::Unknown);
                }
                below
            }
            (None, None) => Mark::Lost(untouched(&self.name, own_text)),
        };
        count(path, mark, report);
        if let (Mark::Carried, Some(weakening)) = (mark, self.weak.get()) {
            report.weakened(path, weakening);
        }
        mark
    }

    /// Counts the element and all below it as part of a refused entry.
    pub(super) fn refuse(&self, path: &mut String, report: &mut LossReport) {
        for child in &self.children {
            let before = path.len();
            step(path, &child.name);
            child.refuse(path, report);
            path.truncate(before);
        }
        self.attributes.iter().for_each(|name| leaf(path, "@", name, report, Loss::EntryRefused));
        report.lost(path, Loss::EntryRefused);
    }
}

/// Appends a name to a path.
pub(super) fn step(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}

fn leaf(path: &mut String, sign: &str, name: &str, report: &mut LossReport, loss: Loss) {
    let before = path.len();
    path.push('/');
    path.push_str(sign);
    path.push_str(name);
    report.lost(path, loss);
    path.truncate(before);
}

fn count(path: &str, mark: Mark, report: &mut LossReport) {
    match mark {
        Mark::Carried => report.carried(path),
        Mark::Lost(loss) => report.lost(path, loss),
    }
}

/// A container is carried when anything in it is; else it is lost for the first reason that matters.
fn stronger(before: Option<Mark>, next: Mark) -> Mark {
    match (before, next) {
        (Some(Mark::Carried), _) | (_, Mark::Carried) => Mark::Carried,
        (Some(Mark::Lost(loss)), Mark::Lost(_)) if loss.matters() => Mark::Lost(loss),
        (_, next) => next,
    }
}

/// Words in names of elements that would hold what there is no field for. The list of today has none.
const SPECIAL: [&str; 12] = [
    "BIOMETR",
    "DNA",
    "ETHNIC",
    "FINGERPRINT",
    "GENETIC",
    "HEALTH",
    "PHOTO",
    "PHYSICAL",
    "POLITICAL",
    "RACE",
    "RELIGIO",
    "SEXUAL",
];

fn untouched(name: &str, has_text: bool) -> Loss {
    if !has_text {
        return Loss::Empty;
    }
    let upper = name.to_ascii_uppercase();
    if SPECIAL.iter().any(|word| upper.contains(word)) {
        Loss::SpecialField
    } else if matches!(name, "SORT_KEY" | "SORT_KEY_LAST_MOD") {
        Loss::Bookkeeping
    } else {
        Loss::Unknown
    }
}
