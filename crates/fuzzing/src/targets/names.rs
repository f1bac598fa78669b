//! Names people type, and the files of the name index.

use super::{Outcome, Target, refused};
use std::sync::LazyLock;

use mithaq_name_index::{manifest_again, notes_again};
use mithaq_names::index::{
    Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, checksum, merge, search,
};
use mithaq_names::spot::Spotter;
use mithaq_names::{Kind, MAX_TOKENS, Name, Scorer};
use sha2::{Digest as _, Sha256};

const WORDS: &[&[u8]] = &[
    "عبد".as_bytes(),
    "ال".as_bytes(),
    "بن ".as_bytes(),
    "-ovich".as_bytes(),
    "ة".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{200f}".as_bytes(),
    "\u{640}".as_bytes(),
    "ﷺ".as_bytes(),
    "김".as_bytes(),
    "クリ".as_bytes(),
    "陳".as_bytes(),
    ", ".as_bytes(),
    "J. ".as_bytes(),
    "٤٤".as_bytes(),
    "\u{1d400}".as_bytes(),
];

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "names-normaliser",
            about: "Name::parse_as, keys and reading a name again",
            seeds: texts(&[
                "عبد الحميد بوتفليقة",
                "Abd al-Hamid, Dr. (the 3rd)",
                "Иван Петров",
                "김정은 金正恩",
            ]),
            dictionary: WORDS,
            run: normaliser,
        },
        Target {
            name: "names-scorer",
            about: "Scorer::score and explain, two lines as two names",
            seeds: texts(&["محمد طاهر\nMohammed Taher", "O'Brien, J.\nДжон О'Брайен", "Volta GmbH\nВольта"]),
            dictionary: WORDS,
            run: scorer,
        },
        Target {
            name: "names-spotter",
            about: "Spotter::spot in a text, with names of four scripts",
            seeds: texts(&[
                "Yesterday Zubayda Rahmani met Нина Орлова.",
                "قالت سعاد المنصوري إن زبيدة رحماني مسافرة",
                "ZUBAYDA RAHMANI, Abu Karim al-Haddad",
            ]),
            dictionary: WORDS,
            run: spotter,
        },
        Target {
            name: "names-segment",
            about: "Segment::open, check and search",
            seeds: segments(),
            dictionary: &[b"MITHNAM2"],
            run: segment,
        },
        Target {
            name: "names-segment-forged",
            about: "the same with every checksum made to fit",
            seeds: segments(),
            dictionary: &[b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x80\x80\x80\x80\x01"],
            run: |bytes| segment(&reseal(bytes)),
        },
        Target {
            name: "names-manifest",
            about: "the manifest of a name index, with its checksum made to fit",
            seeds: texts(&[
                "mithaq name index 2\ngeneration 7\nsegment 000000000005-0.segment 812344 dead 3 17-19\nnotes 000000000005-1.notes 40110\n",
                "mithaq name index 2\ngeneration 0\n",
            ]),
            dictionary: &[b"segment ", b" dead ", b"-", b"15999999", b"generation ", b".segment "],
            run: manifest,
        },
        Target {
            name: "names-notes",
            about: "the notes of a name index: read, looked up, written again",
            seeds: notes(),
            dictionary: &[b"MITHNOT1"],
            run: noted,
        },
        Target {
            name: "names-notes-forged",
            about: "the same with every checksum made to fit",
            seeds: notes(),
            dictionary: &[b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x04\x00\x00\x00\x00"],
            run: |bytes| noted(&reseal_notes(bytes)),
        },
    ]
}

fn texts(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn segments() -> Vec<Vec<u8>> {
    let names = ["Zubayda Rahmani", "سعاد المنصوري", "Нина Орлова", "Abu Karim al-Haddad", "김지수"];
    let records: Vec<Record> =
        names.iter().zip(b'a'..).map(|(n, id)| Record::person(char::from(id), *n)).collect();
    let many: Vec<Record> = (0..70).map(|n| Record::person(format!("{n}"), "Lucía Ferrer")).collect();
    // One long list of names, which is all of its section.
    let listed: Vec<Record> = (0..70).map(|n| Record::person(format!("{n}"), "Ferrer")).collect();
    [records, many, listed].iter().filter_map(|list| build_segment(list).ok()).collect()
}

/// Notes as an index keeps them: none, one, and some that fill several blocks.
fn notes() -> Vec<Vec<u8>> {
    let sealed = |mut bytes: Vec<u8>| {
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes
    };
    let file = |count: u32, blocks: u32, len: usize| {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for block in 0..blocks {
            let mut entries = Vec::new();
            for number in 0..count {
                let id = format!("r-{block}-{number}");
                entries.extend_from_slice(&[u8::try_from(id.len()).unwrap_or(0)]);
                entries.extend_from_slice(&u32::try_from(len).unwrap_or(0).to_le_bytes());
                entries.extend_from_slice(id.as_bytes());
                entries.resize(entries.len() + len, b'n');
            }
            let entries = sealed(entries);
            let first = format!("r-{block}-0");
            directory.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(0).to_le_bytes());
            directory.extend_from_slice(&[u8::try_from(first.len()).unwrap_or(0)]);
            directory.extend_from_slice(first.as_bytes());
            out.extend_from_slice(&entries);
        }
        let directory = sealed(directory);
        let mut end = (directory.len() as u64).to_le_bytes().to_vec();
        end.extend_from_slice(&u64::from(count * blocks).to_le_bytes());
        [out, directory, sealed(end), b"MITHNOT1".to_vec()].concat()
    };
    vec![file(0, 0, 0), file(1, 1, 30), file(7, 3, 1200), file(2, 5, 0)]
}

fn normaliser(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    for kind in [Kind::Person, Kind::Organisation, Kind::Place] {
        let name = Name::parse_as(kind, &text);
        if name.tokens().len() > MAX_TOKENS {
            return Outcome::Broken("more tokens than the limit".to_owned());
        }
        let characters = text.chars().count();
        if name
            .tokens()
            .iter()
            .any(|token| token.span().0 >= token.span().1.max(1) || token.span().0 > characters)
        {
            return Outcome::Broken("a token stands outside the text".to_owned());
        }
        let own = Scorer::new().score(&name, &name);
        if !own.bits.is_finite() || own.probability > 1.0 {
            return Outcome::Broken(format!("{} bits", own.bits));
        }
    }
    Outcome::Accepted
}

fn scorer(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    let (a, b) = text.split_once('\n').unwrap_or((&text, &text));
    let scorer = Scorer::new();
    for kind in [Kind::Person, Kind::Organisation] {
        let (a, b) = (Name::parse_as(kind, a), Name::parse_as(kind, b));
        let (forth, back) = (scorer.score(&a, &b), scorer.score(&b, &a));
        if forth != back {
            return Outcome::Broken(format!("{} bits one way, {} the other", forth.bits, back.bits));
        }
        if !(0.0..=1.0).contains(&forth.probability) {
            return Outcome::Broken(format!("probability {}", forth.probability));
        }
        let none = mithaq_names::Details::default();
        drop(scorer.explain(&a, &b, &none, &none).to_string());
    }
    Outcome::Accepted
}

fn spotter(bytes: &[u8]) -> Outcome {
    static SPOTTER: LazyLock<Spotter> = LazyLock::new(|| {
        let names = ["Zubayda Rahmani", "سعاد المنصوري", "Нина Орлова", "Abu Karim al-Haddad"];
        let record = |(id, name): (u8, &&str)| Record::person(char::from(id), *name);
        Spotter::new(&(b'a'..).zip(&names).map(record).collect::<Vec<_>>(), |id| id != "b")
    });
    let text = String::from_utf8_lossy(bytes);
    let characters = text.chars().count();
    for spot in SPOTTER.spot(&text, 0.1) {
        if spot.from >= spot.to || spot.to > characters {
            return Outcome::Broken(format!("a find at {}..{} of {characters}", spot.from, spot.to));
        }
        if spot.id == "b" {
            return Outcome::Broken("a record that is not allowed shows".to_owned());
        }
    }
    Outcome::Accepted
}

fn segment(bytes: &[u8]) -> Outcome {
    let segment = match Segment::open(bytes) {
        Ok(segment) => segment,
        Err(error) => return told(error),
    };
    let none = Tombstones::default();
    let parts = [Part { segment: &segment, dead: &none }];
    let mut scratch = Scratch::default();
    for query in ["Lucia Ferrer", "سعاد المنصوري", "Abu Karim", "김지수"] {
        if let Err(error) = search(&parts, &Name::parse(query), SearchOptions::default(), &mut scratch) {
            return told(error);
        }
    }
    match segment.check().and_then(|()| merge(&parts)) {
        Ok(_) => Outcome::Accepted,
        Err(error) => told(error),
    }
}

/// Whoever meets a damaged file must be told what to do next.
fn told(error: impl std::fmt::Display + std::fmt::Debug) -> Outcome {
    let words = error.to_string();
    if words.contains("hint: ") { refused(error) } else { Outcome::Broken(format!("no hint: {words}")) }
}

/// What is read is found again under its id, none is lost, and what is written is read as itself.
fn noted(bytes: &[u8]) -> Outcome {
    let written = match notes_again(bytes) {
        Ok(written) => written,
        Err(error) => return told(error),
    };
    if notes_count(bytes) != notes_count(&written) {
        return Outcome::Broken("a note was lost".to_owned());
    }
    match notes_again(&written) {
        Ok(again) if again == written => Outcome::Accepted,
        other => Outcome::Broken(format!("what was written is read otherwise: {other:?}")),
    }
}

/// Bytes of the end of notes: length of the directory, number of notes, checksum, what it is.
const NOTES_END: usize = 8 + 8 + 4 + 8;

/// A number of the end of notes.
fn notes_number(bytes: &[u8], place: usize) -> Option<usize> {
    let end = bytes.get(bytes.len().checked_sub(NOTES_END)?..)?;
    usize::try_from(u64::from_le_bytes(*end.get(place..)?.first_chunk()?)).ok()
}

fn notes_count(bytes: &[u8]) -> Option<usize> {
    notes_number(bytes, 8)
}

/// Makes every checksum of notes fit, so that changed content comes further than the first check.
fn reseal_notes(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let Some(end) = bytes.len().checked_sub(NOTES_END) else { return out };
    seal(&mut out, end..end + 20);
    let Some(from) = notes_number(bytes, 0).and_then(|len| end.checked_sub(len)) else { return out };
    seal(&mut out, from..end);
    let mut rest = bytes.get(from..end.saturating_sub(4)).unwrap_or_default();
    let mut at = 0_usize;
    while let Some((len, more)) = rest.split_first_chunk::<4>() {
        let next = at.saturating_add(usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX));
        let Some((id, more)) = more.split_first() else { break };
        rest = more.get(usize::from(*id)..).unwrap_or_default();
        if next > from {
            break;
        }
        seal(&mut out, at..next);
        at = next;
    }
    out
}

/// What is read is written in one way, and that is read as itself.
fn manifest(bytes: &[u8]) -> Outcome {
    let sealed = |content: &str| {
        let sum = data_encoding::HEXLOWER.encode(&Sha256::digest(content.as_bytes()));
        format!("{content}sha256 {sum}\n")
    };
    let written = match manifest_again(&sealed(&String::from_utf8_lossy(bytes))) {
        Ok(written) => written,
        Err(why) => return Outcome::Refused(why.to_owned()),
    };
    match manifest_again(&written) {
        Ok(again) if again == written => Outcome::Accepted,
        other => Outcome::Broken(format!("what was written is read otherwise: {other:?}")),
    }
}

/// Bytes of the header; the five section lengths stand before its checksum.
const HEADER: usize = 64;

/// Makes every checksum fit, so that changed content comes further than the first check.
fn reseal(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let length = |at: usize| {
        let word =
            bytes.get(20 + 8 * at..).and_then(|rest| rest.first_chunk::<8>()).copied().unwrap_or_default();
        usize::try_from(u64::from_le_bytes(word)).unwrap_or(usize::MAX)
    };
    let mut places = Vec::new();
    let mut at = HEADER;
    for section in 0..5 {
        let end = at.saturating_add(length(section)).min(bytes.len());
        places.push(at.min(end)..end);
        at = end;
    }
    if let [names, lists, tokens, weights, directory] = places.as_slice() {
        let mut rest = bytes.get(directory.clone()).unwrap_or_default();
        let names_count =
            bytes.get(12..).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| u32::from_le_bytes(*b));
        let groups = bytes.get(16..).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| u32::from_le_bytes(*b));
        seal_pieces(&mut out, names.start, names_count.div_ceil(16), &mut rest);
        let _skeletons = (0..groups).try_for_each(|_| number(&mut rest).map(|_| ()));
        seal_pieces(&mut out, tokens.start, groups, &mut rest);
        // Where each list begins stands in the tokens; of one skeleton there is one.
        if groups == 1 {
            seal(&mut out, lists.clone());
        }
        seal(&mut out, weights.clone());
        seal(&mut out, directory.clone());
    }
    seal(&mut out, 0..HEADER);
    out
}

fn seal_pieces(out: &mut [u8], mut at: usize, count: u32, lengths: &mut &[u8]) {
    for _ in 0..count {
        let Some(end) = number(lengths).and_then(|len| at.checked_add(len)).filter(|end| *end <= out.len())
        else {
            return;
        };
        seal(out, at..end);
        at = end;
    }
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..63).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        value |= usize::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn seal(out: &mut [u8], place: std::ops::Range<usize>) {
    let Some((content, sum)) = out.get_mut(place).and_then(|piece| piece.split_last_chunk_mut::<4>()) else {
        return;
    };
    *sum = checksum(content).to_le_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why an input is refused, if it is.
    fn refusal(run: fn(&[u8]) -> Outcome, bytes: &[u8]) -> Option<String> {
        let outcome = run(bytes);
        assert!(!matches!(outcome, Outcome::Broken(_)), "{outcome:?}");
        if let Outcome::Refused(why) = outcome { Some(why) } else { None }
    }

    #[test]
    fn what_is_made_to_fit_is_what_the_readers_check() {
        for seed in segments() {
            assert_eq!(reseal(&seed), seed, "a segment is of another form than is made to fit");
        }
        for seed in notes() {
            assert_eq!(reseal_notes(&seed), seed, "notes are of another form than are made to fit");
        }
        // The last has blocks that are too small to be written so.
        for seed in notes().iter().take(3) {
            assert_eq!(notes_again(seed).map_err(|error| error.to_string()).as_ref(), Ok(seed));
        }
    }

    #[test]
    fn a_changed_byte_comes_behind_the_checksums() {
        for seed in notes() {
            let end = seed.len() - NOTES_END;
            let from = end - notes_number(&seed, 0).unwrap();
            for at in (0..seed.len() - 8).step_by(3) {
                let mut bad = seed.clone();
                bad[at] ^= 0x11;
                assert!(refusal(noted, &bad).is_some(), "byte {at}");
                if at < from {
                    let why = refusal(|bytes| noted(&reseal_notes(bytes)), &bad).unwrap_or_default();
                    assert!(!why.contains("a block is damaged"), "byte {at}: {why}");
                }
            }
        }
        let mut behind = 0;
        for seed in segments() {
            for at in (HEADER..seed.len()).step_by(5) {
                let mut bad = seed.clone();
                bad[at] ^= 0x01;
                let forged = refusal(|bytes| segment(&reseal(bytes)), &bad);
                behind += usize::from(forged.is_none());
            }
        }
        assert!(behind > 50, "{behind} changes of segments came through");
    }
}
