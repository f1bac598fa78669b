//! Repositories in model and wire types over `db`, one code path for SQLite and PostgreSQL.
//!
//! Responsible for the tables, for encryption of content at rest ([`Vault`]), for keeping ledger and tables in
//! one transaction, and for checking rows after reading. Functions take the open transaction; several of them
//! in one job stand or fall together. Deliberately does not: decide who may see or do what (`policy`, `app`),
//! judge the protocol (`exchange`), parse or sign documents (`wire`, `envelope`), or read clock and randomness
//! ([`Entropy`] is given by the shell).
//!
//! Rules for whoever adds a table: keys are led by the id of the owner or lane; no sequence is an identity;
//! times are milliseconds in 64 bits; ids are their bytes; content goes through the vault; both migrations
//! get the same columns (a test compares them).
//!
//! # What an attacker who can change a table achieves
//!
//! Whoever can write the database can always stop the node and delete what it has not yet shown anybody. The
//! table says what they achieve beyond that, without the master key and the signing keys, which are not in
//! the database.
//!
//! | table | holds | who can change it achieves |
//! |---|---|---|
//! | `setting` | party, accreditation, counters of the shell | a node that starts as another party (its keys then sign nothing that partners accept) or accepts a higher level |
//! | `record_key` | data keys, wrapped under the master key | erasure of content by deleting a key, nothing readable: a moved or changed key does not open |
//! | `ledger_log`, `ledger_tile` | state row, tiles | a ledger that refuses to append or to sign; no other history, because signed checkpoints are compared before signing and partners hold them |
//! | `ledger_entry` | entries and their index | entries that no longer prove: readers refuse them, and every rebuild and verifier sees it |
//! | `ledger_salt` | encrypted salts of commitments | commitments that cannot be opened any more, as if the content had been erased |
//! | `ledger_checkpoint` | signed checkpoints | hiding that later ones were signed: a partner's copy shows it |
//! | `ledger_witness` | what was countersigned for partners | a countersignature on a fork of that partner's log; the fork convicts the partner, this node is shown careless |
//! | `ledger_cosigner` | how far partners countersigned | countersignatures asked for again, or a status that is too good; the signatures themselves are in the checkpoints and verify or not |
//! | `fork_proof` | proofs of forked logs | silence about a partner whose log forked; none can be made up, both signatures verify |
//! | `officer` | sign-in, roles, password hash, encrypted name | **any role for any officer, or a password of the attacker's choosing: full use of the node.** The ledger shows what was done with it; two-person release then needs two such rows |
//! | `token` | SHA-256 of API tokens | **the rights of any officer**; nothing from reading alone |
//! | `case_file`, `case_officer` | dates, purposes, encrypted texts; who is assigned | **assignment of an officer to any case**, and so reading by somebody who can sign in |
//! | `subject`, `link` | kind, class, clocks, encrypted claims | wrong class or expiry, links between other numbers; no claim can be read, moved or written |
//! | `subject_case`, `subject_report` | relations | subjects shown in another case; erasure of a report that misses a subject |
//! | `subject_term`, `subject_segment` | blind index | subjects that are not found, or found under other terms; reading tells which subjects share a term, not the term |
//! | `agreement`, `agreement_party`, `agreement_history` | encrypted text, state, signatures | **a state such as "in force" for an agreement that is not**: text and signatures are verified against its number when it is loaded, the state is this node's own |
//! | `agreement_counter` | use of budgets | budgets that start anew |
//! | `partner`, `partner_manifest`, `partner_risk` | endpoint, signed manifests, encrypted assessments | ciphertext sent to another address (TLS keys are pinned, so nothing leaves); manifests do not verify when changed |
//! | `report`, `report_version` | state, clocks, encrypted content | a wrong state or case (so a wrong reader), content that does not open; no other content |
//! | `report_approval` | who approved which hash | **an approval that nobody gave**: release needs two rows; the ledger has no entry for it |
//! | `ruling` | who cleared, judged or opened what, encrypted reasons | **a clearance, judgement or opening that nobody gave**: each needs two rows, and the ledger has no entry for them |
//! | `justification` | who looked at whom, when and why (reason encrypted), what another found | **a look that nobody judges**: a row that is gone is drawn by nobody; the ledger still has the look and commits to the reason |
//! | `hold` | which cases and reports are held | **a hold that is gone, and with it what it kept**: the ledger and the ruling with its reason still show it |
//! | `request`, `request_step`, `request_answer` | where a request stands, its clock, encrypted words, which report answers it | a clock that looks kept, a request that looks answered or is forgotten; the partner's rows, both ledgers and the sealed answer say otherwise; no word can be read or written |
//! | `check_epoch`, `check_set` | encrypted keys of epochs, signed tag sets | a key that is gone: checks of that epoch end; no other key or set, signature and vault refuse them |
//! | `check_query`, `check_subject`, `check_candidate` | where checks and their candidates stand, stored answers, encrypted openings | a hit that is forgotten or a verdict nobody gave; both ledgers say otherwise |
//! | `check_cleared` | pairs of persons that were compared and are two | a pair that hits again, or a hit that is passed over; people compare after every hit |
//! | `check_standing`, `check_standing_hit` | questions that stay with a partner or here, their ends, what they hit; tokens encrypted | a question that stays too long or ends early, a hit that is forgotten; both ledgers say otherwise |
//! | `check_plan`, `check_plan_ask`, `check_conflict` | planned actions, questions about them, what met; place, time and contacts encrypted | a conflict that is forgotten or invented; both ledgers say otherwise |
//! | `check_budget` | evaluations of the day | **a partner that asks more than was agreed**; both ledgers hold every check |
//! | `onward_consent`, `onward_copy`, `onward_used` | consents with encrypted reasons, signed tokens, where copies went, which tokens were used | a copy forgotten in a recall, an erasure that looks proven, a token that looks unused: the version is held or buried, so it is still refused; no token can be made |
//! | `attachment_file`, `attachment_link`, `attachment_upload`, `attachment_receipt` | which ciphertexts are on disk and who names them | an attachment that looks incomplete or is fetched again, a ciphertext that stays after its key is gone; no byte can be read, none passes as another, keys and roots are in the sealed report |
//! | `decision` | what the rules decided | another story than the ledger's, which an audit compares |
//! | `disclosure` | to whom what went, what came back | a recipient forgotten in a recall; the partner's and this node's ledger and outbox still show it |
//! | `erasure_receipt` | receipts of erasure that wait to be signed | a receipt that is never sent, which the partner lists as not proven; none is signed for what is still held |
//! | `tombstone` | what may never come again | a recalled object that is accepted a second time |
//! | `quarantine` | what waits for people | something refused that looks resolved |
//! | `lane`, `lane_out`, `outbox` | chain heads, cursor, signed envelopes | messages that are never sent, or a broken chain that partners refuse; no message of the attacker's, envelopes are signed |
//! | `lane_in`, `lane_control`, `inbox`, `inbox_object`, `inbox_ahead` | chain heads, hashes, ciphertext | a duplicate taken twice, a gap that stays, reading before a recall is drained, an envelope that an erasure misses (this node's key still opens it) |
//! | `lane_restore`, `lane_lost` | lanes to begin anew, what partners signed for and this node lost | a lane that goes on after a loss, which partners see as two envelopes for one place; receipts behind lost messages still verify |
//! | `receipt_batch` | signed receipts | a missing receipt; none can be forged |
//! | `equivocation`, `peer_evidence`, `alarm` | proof and alarms | silence about a partner that lied |
//! | `holding`, `holding_version` | version in force, leases | a version readable that is superseded or past its lease |
//! | `lease` | which process of this node sends to whom | a node that does not send, or that sends the same bytes twice, which partners take once |
//! | `known_version` | how often agreements and manifests changed | a process that goes on with what it read before, until it is started again |
//!
//! Who can only **read** the database sees times, sizes, references, who is assigned to what, who exchanges
//! with whom and which subjects are linked or share a term: traffic, not content. On PostgreSQL erased rows
//! stay in the files until a vacuum, and in its write-ahead log and backups as long as those are kept; a copy
//! made before an erasure opens with the master key of that time. Changing the master key ([`Vault::rewrap`])
//! after an erasure closes such copies to whoever holds only the new key.
#![deny(missing_docs)]

pub mod agreements;
pub mod alarms;
pub mod attachments;
pub mod blobs;
pub mod cases;
pub mod checks;
#[cfg(test)]
mod conformance;
mod derive;
pub mod disclosures;
pub mod erasures;
mod error;
pub mod holds;
pub mod justifications;
pub mod lanes;
pub mod leases;
pub mod ledger;
pub mod links;
mod migrations;
pub mod onward;
pub mod partners;
pub mod people;
pub mod reports;
pub mod requests;
pub mod rulings;
pub mod settings;
pub mod sight;
pub mod sound;
mod sql;
pub mod subjects;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod vault;

pub use derive::Term;
pub use error::StoreError;
pub use migrations::{MIGRATIONS, migrate};
pub use sql::{PAGE_MAX, Page};
pub use vault::{Entropy, MasterKey, NoEntropy, Plain, Vault};
