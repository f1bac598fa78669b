//! Reasons a person can read: what stood for what, by which convention, what was left over and what it cost.
//!
//! What this module deliberately does not do: change a score. The bits of all reasons add up to the bits of the
//! likeness; what the calibration adds beyond the tokens has a reason of its own.

use std::fmt;

use crate::align::{self, Grid, Piece, Step};
use crate::convention::{self, Convention};
use crate::evidence::{self, Agreement, Details, Field, Finding};
use crate::matching::{self, Link, Matching};
use crate::name::{Name, Role, Token};
use crate::nicknames;
use crate::score::{self, FEATURE_NAMES, Likeness, Scorer};
use crate::script::{self, Script};
use crate::tables;
use crate::told;

/// What a reason says. The codes are stable; see [`ReasonCode::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReasonCode {
    /// What the calibration adds or takes beyond the single tokens.
    Calibration,
    /// Evidence beside the name.
    Detail(Field, Agreement),
    /// A token of one side has no counterpart.
    Left(Role),
    /// The order of the tokens differs.
    Order,
    /// How many names of the index would agree as well by chance.
    Population,
    /// Two tokens that are alike and two names.
    TokenApart,
    /// The same token.
    TokenEqual,
    /// An initial stands for a token.
    TokenInitial,
    /// Two tokens on one side are one on the other.
    TokenJoined,
    /// A token is another form of the other: an everyday form of a given name, another language's name of a place.
    TokenNickname,
    /// A token is the beginning of the other.
    TokenShortened,
    /// Two spellings of one token.
    TokenSpelling,
    /// The names are too unlike for all that agrees beside them to count.
    Unlike,
}

impl ReasonCode {
    /// Returns the stable code.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Calibration => "calibration".to_owned(),
            Self::Detail(field, agreement) => format!("{}.{}", field.code(), agreement.code()),
            Self::Left(role) => format!("left.{}", role_code(role)),
            Self::Order => "order.differs".to_owned(),
            Self::Population => "population".to_owned(),
            Self::TokenApart => "token.apart".to_owned(),
            Self::TokenEqual => "token.equal".to_owned(),
            Self::TokenInitial => "token.initial".to_owned(),
            Self::TokenJoined => "token.joined".to_owned(),
            Self::TokenNickname => "token.nickname".to_owned(),
            Self::TokenShortened => "token.shortened".to_owned(),
            Self::TokenSpelling => "token.spelling".to_owned(),
            Self::Unlike => "names.unlike".to_owned(),
        }
    }
}

const fn role_code(role: Role) -> &'static str {
    match role {
        Role::Initial => "initial",
        Role::Kunya => "kunya",
        Role::LegalForm => "legal_form",
        Role::Number => "number",
        Role::Particle => "particle",
        Role::Patronymic => "patronymic",
        Role::Plain => "name",
        Role::Suffix => "suffix",
        Role::Title => "title",
    }
}

/// Letters of both sides that stand for each other by a convention with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// Letters of the side that follows the convention.
    pub written: String,
    /// Letters it stands for.
    pub stands_for: String,
    /// The convention.
    pub convention: Convention,
}

/// One reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What it says.
    pub code: ReasonCode,
    /// What it adds to the log-odds, in bits.
    pub bits: f32,
    /// Letters of the first name it is about, as compared; empty when it has none.
    pub a: String,
    /// Letters of the second name.
    pub b: String,
    /// Characters of the first name it is about (first, one past the last).
    pub span_a: Option<(usize, usize)>,
    /// Characters of the second name.
    pub span_b: Option<(usize, usize)>,
    /// Conventions seen, each once.
    pub spellings: Vec<Spelling>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+5.1}  ", self.bits)?;
        let (a, b) = (&self.a, &self.b);
        let side = if a.is_empty() { b } else { a };
        match self.code {
            ReasonCode::Calibration => {
                write!(f, "the odds before any evidence, and what labelled pairs teach of such a set")?
            }
            ReasonCode::Detail(field, agreement) => write!(f, "{}: {}", field.code(), agreement.code())?,
            ReasonCode::Left(Role::Plain) => write!(f, "{side} has no counterpart")?,
            ReasonCode::Left(role) => {
                write!(f, "{side} has no counterpart, but is only a {}", role_code(role))?
            }
            ReasonCode::Order => write!(f, "the order differs")?,
            ReasonCode::Population => {
                write!(f, "names of the index that would agree as well by chance: {}", self.a)?
            }
            ReasonCode::TokenApart => write!(f, "{a} ~ {b}: alike, but two names")?,
            ReasonCode::TokenEqual => write!(f, "{a} is {b}")?,
            ReasonCode::TokenInitial => write!(f, "{a} ~ {b}: an initial")?,
            ReasonCode::TokenJoined => write!(f, "{a} ~ {b}: written as one and as two")?,
            ReasonCode::TokenNickname => write!(f, "{a} ~ {b}: another form of the name")?,
            ReasonCode::TokenShortened => write!(f, "{a} ~ {b}: the beginning of the other")?,
            ReasonCode::TokenSpelling => write!(f, "{a} ~ {b}")?,
            ReasonCode::Unlike => write!(f, "the names are too unlike for all that agrees to count")?,
        }
        for spelling in &self.spellings {
            write!(
                f,
                "; {} written {}: {}",
                spelling.stands_for,
                spelling.written,
                spelling.convention.name()
            )?;
        }
        Ok(())
    }
}

/// A likeness with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The likeness the reasons add up to.
    pub likeness: Likeness,
    /// The reasons: tokens first, then what was left, order, details, calibration.
    pub reasons: Vec<Reason>,
}

impl Explanation {
    /// Says what the likeness of a hit is among all names of its index: the reasons add up to `likeness`, and one of
    /// them names how many would agree as well by chance ([`crate::index::Hit::chance`]).
    #[must_use]
    pub fn among(mut self, likeness: Likeness, chance: f32) -> Self {
        let shown = if chance < 0.1 { "less than 0.1".to_owned() } else { format!("{chance:.1}") };
        let bits = likeness.bits - self.likeness.bits;
        self.reasons.push(Reason { bits, a: shown, ..plain(ReasonCode::Population) });
        self.likeness = likeness;
        self
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let l = &self.likeness;
        writeln!(f, "{} ({:.2}), tables {}", l.band.code(), l.probability, l.tables_version)?;
        self.reasons.iter().try_for_each(|reason| writeln!(f, "{reason}"))
    }
}

impl Scorer {
    /// Compares two names with what else is known and says why. The bits of the reasons add up to
    /// [`Likeness::bits`] unless two conflicts or the limits of the scale cut the sum; the calibration reason
    /// carries the difference.
    ///
    /// ```
    /// use mithaq_names::{Details, Name, Scorer};
    /// let (a, b) = (Name::parse("جمال بن عاشور"), Name::parse("Djamel Benachour"));
    /// let why = Scorer::new().explain(&a, &b, &Details::default(), &Details::default()).to_string();
    /// assert!(why.contains("ج written dj: French (Maghreb)"), "{why}");
    /// ```
    #[must_use]
    pub fn explain(&self, a: &Name, b: &Name, of_a: &Details, of_b: &Details) -> Explanation {
        let findings = evidence::compare_details(of_a, of_b);
        let (bits, matching) = self.matched(a, b);
        let names = evidence::Names::pair(bits);
        let likeness = evidence::combine(names, &findings);
        let mut reasons: Vec<Reason> = matching.links().iter().map(|link| link_reason(a, b, link)).collect();
        reasons.sort_by_key(|reason| reason.span_a);
        self.left_reasons(a, b, &matching, &mut reasons);
        if matching::inversions(matching.links()) > 0 {
            reasons.push(Reason { bits: Self::weight_bits("order"), ..plain(ReasonCode::Order) });
        }
        reasons.extend(findings.iter().map(finding_reason));
        let cut = evidence::cut(names, &findings);
        if cut < 0.0 {
            reasons.push(Reason { bits: cut, ..plain(ReasonCode::Unlike) });
        }
        let sum: f32 = reasons.iter().map(|reason| reason.bits).sum();
        reasons.push(Reason { bits: likeness.bits - sum, ..plain(ReasonCode::Calibration) });
        Explanation { likeness, reasons }
    }

    /// Log-odds of the names and the matching they come from.
    fn matched(&self, a: &Name, b: &Name) -> (f32, Matching) {
        let found = matching::matchings(a, b, &mut Grid::new());
        if a.is_empty() || b.is_empty() {
            return (self.log_odds(a, b), found.0);
        }
        let judged = told::judge(a, b, &found);
        match found {
            (_, Some(otherwise)) if judged.apart => (judged.bits, otherwise),
            (matching, _) => (judged.bits, matching),
        }
    }

    /// Adds a reason for every token without counterpart; together they weigh what the features weigh.
    fn left_reasons(&self, a: &Name, b: &Name, matching: &Matching, out: &mut Vec<Reason>) {
        let features = score::features(a, b, matching);
        let at = |name: &str| {
            FEATURE_NAMES
                .iter()
                .position(|n| *n == name)
                .and_then(|at| features.get(at))
                .copied()
                .unwrap_or(0.0)
        };
        let cost: f32 = ["left_both", "left_one", "left_one_cheap"]
            .iter()
            .map(|name| at(name) * Self::weight_bits(name))
            .sum();
        let left: Vec<(bool, &Name, &Token)> = Matching::left(&a.tokens, matching.used_a)
            .map(|t| (true, a, t))
            .chain(Matching::left(&b.tokens, matching.used_b).map(|t| (false, b, t)))
            .collect();
        let total: f32 = left.iter().map(|(_, _, t)| score::weight(t)).sum();
        for (first, name, token) in left {
            let shown = letters(name, token, (0, usize::from(token.len)));
            let bits = cost * score::weight(token) / total.max(0.1);
            let mut reason = Reason { bits, ..plain(ReasonCode::Left(token.role)) };
            if first {
                (reason.a, reason.span_a) = (shown, Some(token.span()));
            } else {
                (reason.b, reason.span_b) = (shown, Some(token.span()));
            }
            out.push(reason);
        }
    }
}

const fn plain(code: ReasonCode) -> Reason {
    Reason {
        code,
        bits: 0.0,
        a: String::new(),
        b: String::new(),
        span_a: None,
        span_b: None,
        spellings: Vec::new(),
    }
}

fn finding_reason(finding: &Finding) -> Reason {
    Reason { bits: finding.bits, ..plain(ReasonCode::Detail(finding.field, finding.agreement)) }
}

/// The tokens one side of a link takes.
fn taken(name: &Name, first: u8, count: u8) -> &[Token] {
    let first = usize::from(first);
    name.tokens.get(first..first + usize::from(count)).unwrap_or_default()
}

fn link_reason(a: &Name, b: &Name, link: &Link) -> Reason {
    if link.written {
        return written_reason(a, b, link);
    }
    let (x, y) = (taken(a, link.a, link.a_count), taken(b, link.b, link.b_count));
    let shown = |name: &Name, tokens: &[Token]| -> String {
        tokens.iter().map(|t| letters(name, t, (0, usize::from(t.len)))).collect::<Vec<_>>().join(" ")
    };
    let span = |tokens: &[Token]| tokens.first().zip(tokens.last()).map(|(f, l)| (f.span().0, l.span().1));
    let mut reason = Reason {
        bits: link.bits,
        a: shown(a, x),
        b: shown(b, y),
        span_a: span(x),
        span_b: span(y),
        ..plain(ReasonCode::TokenEqual)
    };
    let steps = match (x, y) {
        ([one], [other]) => {
            let shortened = matching::shortened((a, one), (b, other));
            reason.code = if link.apart {
                ReasonCode::TokenApart
            } else if link.initial {
                ReasonCode::TokenInitial
            } else if one.hash == other.hash {
                ReasonCode::TokenEqual
            } else if link.loss == 0.0 && nicknames::share(one.nicknames, other.nicknames) {
                ReasonCode::TokenNickname
            } else if shortened {
                ReasonCode::TokenShortened
            } else {
                ReasonCode::TokenSpelling
            };
            Some((Piece::token(a, one), Piece::token(b, other)))
        }
        ([one, next], [other]) => Some((Piece::joined(a, one, next), Piece::token(b, other))),
        ([one], [other, next]) => Some((Piece::token(a, one), Piece::joined(b, other, next))),
        _ => None,
    };
    if link.a_count + link.b_count > 2 {
        reason.code = ReasonCode::TokenJoined;
    }
    if let Some((pa, pb)) =
        steps.filter(|_| matches!(reason.code, ReasonCode::TokenSpelling | ReasonCode::TokenJoined))
    {
        reason.spellings = spellings(&pa, &pb, &align::trace(tables::tables(), &pa, &pb));
    }
    reason
}

/// The reason of words that were compared as they are written.
fn written_reason(a: &Name, b: &Name, link: &Link) -> Reason {
    let side = |name: &Name, at: u8, count: u8| {
        let (at, count) = (usize::from(at), usize::from(count));
        let word = name.translated().find(|(.., first, tokens)| (*first, *tokens) == (at, count));
        let word =
            word.map(|(written, token, ..)| (written.letters(token).collect::<String>(), token.span()));
        let own = || name.tokens.get(at).map(|token| (name.letters(token).collect(), token.span()));
        word.or_else(own).unwrap_or_default()
    };
    let ((x, span_a), (y, span_b)) = (side(a, link.a, link.a_count), side(b, link.b, link.b_count));
    let code = if x == y { ReasonCode::TokenEqual } else { ReasonCode::TokenSpelling };
    Reason { bits: link.bits, a: x, b: y, span_a: Some(span_a), span_b: Some(span_b), ..plain(code) }
}

/// Names the conventions seen in an alignment.
fn spellings(a: &Piece<'_>, b: &Piece<'_>, steps: &[Step]) -> Vec<Spelling> {
    let text = |piece: &Piece<'_>, range: (usize, usize)| -> String {
        let symbols = piece.symbols.get(range.0..range.1).unwrap_or_default();
        symbols.iter().map(|s| script::printable(piece.script, *s)).collect()
    };
    let mut out: Vec<Spelling> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        // A letter met by nothing belongs to its neighbour: d=·, j=ج is dj=ج.
        let mut whole = *step;
        for next in steps.iter().skip(at + 1).take(2) {
            for candidate in [whole, Step { a: (whole.a.0, next.a.1), b: (whole.b.0, next.b.1), eighths: 0 }]
            {
                let (x, y) = (text(a, candidate.a), text(b, candidate.b));
                for (latin, other, fits) in
                    [(&x, &y, a.script == Script::Latin), (&y, &x, b.script == Script::Latin)]
                {
                    if let Some(convention) = convention::of(latin, other).filter(|_| fits) {
                        out.push(Spelling { written: latin.clone(), stands_for: other.clone(), convention });
                    }
                }
            }
            if next.a.0 != next.a.1 && next.b.0 != next.b.1 {
                break;
            }
            whole = Step { a: (whole.a.0, next.a.1), b: (whole.b.0, next.b.1), eighths: 0 };
        }
    }
    // The English spelling is what most readers assume; it is named only beside nothing else.
    out.dedup();
    let other = out.iter().any(|s| s.convention != Convention::English);
    out.retain(|s| !other || s.convention != Convention::English);
    out
}

fn letters(name: &Name, token: &Token, range: (usize, usize)) -> String {
    let symbols = name.symbols_of(token).get(range.0..range.1).unwrap_or_default();
    symbols.iter().map(|s| script::printable(token.script, *s)).collect()
}
