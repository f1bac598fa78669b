//! A parsed name: tokens in symbols, with the role each plays.

use crate::nicknames::{Lines, NO_LINES};
use crate::present::Present;
use crate::script::{Script, Symbol};
use crate::structure;
use crate::units;

/// Tokens of a name that take part in the comparison.
pub const MAX_TOKENS: usize = 10;
/// Symbols of a whole name.
pub const MAX_SYMBOLS: usize = 160;

/// What is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A company, body or group.
    Organisation,
    /// A human being.
    #[default]
    Person,
    /// A place.
    Place,
}

/// The part a token plays in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A single letter that stands for a name.
    Initial,
    /// "Abu X": father or mother of.
    Kunya,
    /// Company form (GmbH, شركة): says little.
    LegalForm,
    /// A word made of digits; compared exactly.
    Number,
    /// A particle that could not be joined to a name (de, y, bin at the end).
    Particle,
    /// A Slavic patronymic (-ovich, -ovna).
    Patronymic,
    /// An ordinary name.
    Plain,
    /// Junior, III.
    Suffix,
    /// Mr, Sheikh, Dr.
    Title,
}

/// One unit of comparison: a word, with its particles joined to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(crate) script: Script,
    pub(crate) role: Role,
    pub(crate) start: u16,
    pub(crate) len: u8,
    /// Leading symbols that may be missing on the other side (article, ibn, abd), and what that costs.
    pub(crate) skip: u8,
    /// Cost of the skip in eighths of a bit.
    pub(crate) skip_cost: u8,
    /// Trailing symbols that may be missing on the other side (the feminine ending).
    pub(crate) tail: u8,
    /// Which consonant classes occur, one bit each; a cheap test before the expensive one.
    pub(crate) classes: u16,
    /// Evidence an exact match gives, in eighths of a bit: how rare the token is.
    pub(crate) rarity: u16,
    /// Coarse skeleton, four bits a class, first class lowest.
    pub(crate) coarse: u64,
    /// Fine skeleton, five bits a class.
    pub(crate) fine: u64,
    /// Hash of script and symbols (of the characters for syllabic scripts): equal tokens are equal without aligning.
    pub(crate) hash: u64,
    /// Lines of the table of everyday forms it stands in.
    pub(crate) nicknames: Lines,
    /// "Son of" stands before it.
    pub(crate) filiation: bool,
    /// Part of what a noble is called by ("Duke of Burgundy" behind the name).
    pub(crate) designation: bool,
    /// Hash of script and symbols without particles.
    pub(crate) core: u64,
    /// The units it holds.
    pub(crate) present: Present,
    /// First and past-the-last character in the text.
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl Token {
    /// Returns the role the token plays.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns the script the token is written in.
    #[must_use]
    pub const fn script(&self) -> Script {
        self.script
    }

    /// Returns where the token stands in the text, in characters: first, one past the last.
    #[must_use]
    pub const fn span(&self) -> (usize, usize) {
        (self.from as usize, self.to as usize)
    }

    /// Returns how many bits an exact match of this token is worth: common names are worth little.
    #[must_use]
    pub fn rarity_bits(&self) -> f32 {
        f32::from(self.rarity) / 8.0
    }

    /// Returns symbols (letters after folding) of the token, leading particles included.
    #[must_use]
    pub const fn symbol_count(&self) -> usize {
        self.len as usize
    }

    /// Returns how many of its leading letters other spellings may lack (an article, "son of", "servant of").
    #[must_use]
    pub const fn optional_start(&self) -> usize {
        self.skip as usize
    }

    /// A token of symbols that stand at the beginning of a name; what is derived from them is not filled.
    pub(crate) fn bare(script: Script, role: Role, symbols: usize) -> Self {
        Self {
            script,
            role,
            start: 0,
            len: u8::try_from(symbols).unwrap_or(u8::MAX),
            skip: 0,
            skip_cost: 0,
            tail: 0,
            classes: 0,
            rarity: 0,
            coarse: 0,
            fine: 0,
            hash: 0,
            nicknames: NO_LINES,
            filiation: false,
            designation: false,
            core: 0,
            present: Present::NONE,
            from: 0,
            to: 0,
        }
    }

    /// Two neighbours read as one token of the same name.
    pub(crate) fn joined_with(&self, next: &Self, name: &Name) -> Self {
        let mut token = Self {
            len: u8::try_from(next.range().end.saturating_sub(usize::from(self.start))).unwrap_or(u8::MAX),
            role: Role::Plain,
            hash: 0,
            to: next.to,
            ..self.clone()
        };
        structure::describe(name, &mut token);
        token.present = Present::of(name.units.get(token.range()).unwrap_or_default());
        token
    }

    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len)
    }
}

/// A name, normalised and split into tokens; parse once, compare often.
///
/// At most [`crate::MAX_CHARS`] characters, [`crate::MAX_WORDS`] words and [`MAX_TOKENS`] tokens are read;
/// what is beyond is ignored. Parsing never fails: a text without a letter gives a name without tokens,
/// which resembles nothing.
///
/// ```
/// use mithaq_names::{Name, Role};
/// let name = Name::parse("الحاج محمد بن عبد الله");
/// let roles: Vec<Role> = name.tokens().iter().map(|t| t.role()).collect();
/// assert_eq!(roles, [Role::Title, Role::Plain, Role::Plain]);
/// assert!(Name::parse("🙂").is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub(crate) kind: Kind,
    /// Symbols of all tokens one after the other; symbol ids are also unit ids of length one.
    pub(crate) symbols: Vec<Symbol>,
    /// Units of no, one, two, three symbols that begin here, or [`crate::align::NO_UNIT`].
    pub(crate) units: Vec<[u8; 4]>,
    pub(crate) tokens: Vec<Token>,
    /// A comma put the family name first.
    pub(crate) comma: bool,
    /// First letters of the words of a body as they are written, small words left out.
    pub(crate) initials: (Script, Vec<Symbol>),
    /// The words of a body as they are written, when some were read as those of concepts.
    pub(crate) written: Option<Box<Name>>,
}

impl Name {
    /// Parses the name of a person.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::parse_as(Kind::Person, text)
    }

    /// Parses a name of the given kind.
    ///
    /// ```
    /// use mithaq_names::{Kind, Name};
    /// assert_eq!(Name::parse_as(Kind::Organisation, "Volta GmbH").tokens().len(), 2);
    /// ```
    #[must_use]
    pub fn parse_as(kind: Kind, text: &str) -> Self {
        let mut name = structure::build(kind, text);
        units::fill(&mut name);
        name
    }

    /// Returns what the name names.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the tokens in the order of the text, family name last when a comma put it first.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// True when there is nothing to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Replaces the built-in rarity of tokens by the caller's, in bits (an index knows its own frequencies).
    /// The closure receives the token's [`crate::Key`] of its fine skeleton; `None` keeps the built-in value.
    ///
    /// ```
    /// use mithaq_names::Name;
    /// let mut name = Name::parse("Zubayda");
    /// name.set_rarity(|_| Some(3.0));
    /// assert_eq!(name.tokens()[0].rarity_bits(), 3.0);
    /// ```
    pub fn set_rarity(&mut self, bits: impl Fn(crate::Key) -> Option<f32>) {
        for token in &mut self.tokens {
            if let Some(value) = bits(crate::keys::fine_key(token)) {
                token.rarity = rarity_eighths(value);
            }
        }
    }

    /// Returns the letters of a token after folding, in the alphabet of its script
    /// ([`crate::training::alphabet`]); particles joined to it are part of it. For whoever cuts keys of their own.
    ///
    /// ```
    /// use mithaq_names::Name;
    /// let name = Name::parse("Müller, Zoë");
    /// assert_eq!(name.letters(&name.tokens()[0]).collect::<String>(), "zoe");
    /// ```
    pub fn letters<'a>(&'a self, token: &'a Token) -> impl Iterator<Item = char> + 'a {
        self.symbols_of(token).iter().map(|symbol| crate::script::printable(token.script, *symbol))
    }

    /// Returns the words of a body that were read as those of concepts: the word as it is written, the place of the first
    /// token it became, and how many it became.
    pub(crate) fn translated(&self) -> impl Iterator<Item = (&Name, &Token, usize, usize)> {
        let tokens =
            self.written.iter().flat_map(|name| name.tokens.iter().map(move |token| (&**name, token)));
        tokens.filter_map(|(name, token)| {
            let same = |own: &Token| own.from == token.from && own.to == token.to;
            let first = self.tokens.iter().position(same)?;
            let count = self.tokens.iter().skip(first).take_while(|own| same(own)).count();
            let unchanged = count == 1 && self.tokens.get(first).is_some_and(|own| own.hash == token.hash);
            (!unchanged).then_some((name, token, first, count))
        })
    }

    pub(crate) fn symbols_of(&self, token: &Token) -> &[Symbol] {
        self.symbols.get(token.range()).unwrap_or_default()
    }
}

/// Turns bits into the stored eighths, within 0..=30 bits.
pub(crate) fn rarity_eighths(bits: f32) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=240 first")]
    let eighths = (bits * 8.0).clamp(0.0, 240.0) as u16;
    eighths
}
