//! The private check: does a partner know the same subject? Yes or no, and nothing else.
//!
//! The asked side holds a key per agreement and epoch and publishes a set of tags of its subjects; the asking side
//! blinds its tokens, has them evaluated within a budget, and compares ([`oprf`]). Neither the tag set, nor a
//! transcript, nor both together allow a guess to be tested without one more evaluation by the asked side. Exact
//! bytes and what remains possible: `docs/spec/check.md`.
#![deny(missing_docs)]

mod ask;
pub mod attack;
mod binding;
mod bits;
mod budget;
mod code;
pub mod event;
pub mod follow;
mod messages;
mod opened;
mod opening;
pub mod oprf;
mod serve;
mod set;
pub mod sound;
mod standing;
mod state;
mod tokens;
mod word;

pub use ask::{Again, AskError, Concluded, Half, Hit, Pending, Question, ask, claims, half, resume};
pub use binding::Binding;
pub use bits::{SOUND_VERSION, eighths};
pub use budget::{Counters, Exceeded, charge, review_due};
pub use code::CheckRefusal;
pub use messages::{
    Answer, CLAIMS_MAX, CheckId, Claims, Cleared, Handles, Request, cleared_bytes, read_cleared,
};
pub use opened::{Opened, Proven};
pub use opening::{Mismatch, Opening, QUERY_STEP};
pub use serve::{Admission, Charged, Desk, Refused, Register, admit, inputs, silent};
pub use set::{
    FILTER_MAX, FilterError, HEADER_MAX, SetError, SetHeader, SignedSet, TAGS_MAX, TagSeed, TagSet, filled,
    part, tag_seed,
};
pub use sound::Code;
pub use standing::document::{REFERENCE_MAX, StandingAnswer, StandingAsk, StandingWord, Title};
pub use standing::{LIFE_MAX, Standing, StandingError, Warrant};
pub use state::CheckState;
pub use tokens::{
    Known, Meets, Party, Second, Strength, Token, TokenKey, TokenPolicy, TokenPolicyError, name_codes, tokens,
};
pub use word::{Shown, Word};
