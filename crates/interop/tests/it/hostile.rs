//! Lists written to hurt: each is refused with a kind of error, fast, and nothing panics.

use mithaq_interop::un_list::{self, DEPTH_MAX, ENTRY_NODES_MAX, EntryError, ReadError};
use proptest::prelude::*;

use crate::un_list::{FIXTURE, options};

fn fault(xml: &[u8]) -> ReadError {
    un_list::read_all(xml, options(0)).map(|_| ()).unwrap_err()
}

fn list(inside: &str) -> String {
    format!("<CONSOLIDATED_LIST><INDIVIDUALS>{inside}</INDIVIDUALS></CONSOLIDATED_LIST>")
}

fn person(inside: &str) -> String {
    list(&format!("<INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>A</FIRST_NAME>{inside}</INDIVIDUAL>"))
}

#[test]
fn entity_bombs_and_outside_references() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    assert_eq!(fault(format!("{bomb}{}", person("&b;")).as_bytes()), ReadError::DocumentType);
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\">";
    assert_eq!(fault(format!("{outside}{}", person("")).as_bytes()), ReadError::DocumentType);
    for reference in ["&b;", "&#xD800;", "&#0;", "&nbsp;"] {
        let error = fault(person(&format!("<TITLE>{reference}</TITLE>")).as_bytes());
        assert!(matches!(error, ReadError::Entity { .. }), "{reference}: {error:?}");
    }
}

#[test]
fn too_long_too_deep_too_many() {
    let long = "a".repeat(10 * 1024 * 1024);
    let over = |error: ReadError| assert!(matches!(error, ReadError::TooLong { .. }), "{error:?}");
    over(fault(person(&format!("<COMMENTS1>{long}</COMMENTS1>")).as_bytes()));
    over(fault(person(&format!("<COMMENTS1 x='{long}'/>")).as_bytes()));
    over(fault(person(&format!("<!--{long}-->")).as_bytes()));
    over(fault(person(&format!("<{long}/>")).as_bytes()));
    over(fault(person(&format!("<![CDATA[{long}]]>")).as_bytes()));
    let mut small = options(0);
    small.bytes_max = 40;
    over(un_list::read_all(person("").as_bytes(), small).map(|_| ()).unwrap_err());
    let deep = "<A>".repeat(DEPTH_MAX);
    assert!(matches!(fault(person(&deep).as_bytes()), ReadError::Depth { .. }));
    assert!(matches!(fault(list(&deep).as_bytes()), ReadError::Depth { .. }));
    let attributes: String = (0..5_000).map(|n| format!(" a{n}=''")).collect();
    assert!(matches!(fault(person(&format!("<A{attributes}/>")).as_bytes()), ReadError::Malformed { .. }));
}

#[test]
fn one_entry_too_large_is_one_entry_refused() {
    let second = "</INDIVIDUAL><INDIVIDUAL><DATAID>2</DATAID><FIRST_NAME>B</FIRST_NAME>";
    let many = "<A/>".repeat(ENTRY_NODES_MAX + 10);
    let pieces = "<COMMENTS1>".to_owned() + &"aaaaaaaa&amp;".repeat(100_000) + "</COMMENTS1>";
    for large in [many, pieces] {
        let all = un_list::read_all(person(&format!("{large}{second}")).as_bytes(), options(0)).unwrap();
        assert_eq!(all.refused, [(1, EntryError::TooLarge)]);
        assert_eq!(all.records.len(), 1);
        assert_eq!(all.records[0].list.data_id, "2");
    }
}

#[test]
fn broken_bytes() {
    let at = |xml: &[u8]| fault(xml);
    let mut bytes = person("<TITLE>xx</TITLE>").into_bytes();
    let place = bytes.windows(2).position(|w| w == b"xx").unwrap();
    bytes[place] = 0xff;
    assert!(matches!(at(&bytes), ReadError::Encoding { .. }));
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(person("").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert!(at(&wide).is_fatal());
    let latin = format!("<?xml version='1.0' encoding='ISO-8859-1'?>{}", person(""));
    assert!(matches!(at(latin.as_bytes()), ReadError::Encoding { .. }));
    assert!(matches!(at(b"<CONSOLIDATED_LIST></INDIVIDUALS>"), ReadError::Malformed { .. }));
    for other in ["", "not a list", "<html/>", "{}"] {
        assert!(at(other.as_bytes()).is_fatal(), "{other}");
    }
    let twice = format!("{}{}", list(""), list(""));
    assert_eq!(at(twice.as_bytes()), ReadError::NotTheList);
}

#[test]
fn a_list_cut_anywhere_is_never_taken_for_whole() {
    let whole = FIXTURE.trim_end();
    for end in (0..whole.len()).step_by(7).filter(|end| whole.is_char_boundary(*end)) {
        assert!(fault(&whole.as_bytes()[..end]).is_fatal(), "{end}");
    }
}

#[test]
fn a_list_needs_a_name_that_fits_a_reference() {
    for name in ["", "-un", "UN", "un sc", "قائمة", "a-name-longer-than-20"] {
        let mut options = options(0);
        options.list = name;
        let fault = un_list::read_all(person("").as_bytes(), options).map(|_| ()).unwrap_err();
        assert_eq!(fault, ReadError::ListName, "{name}");
    }
}

#[test]
fn nothing_comes_after_a_fatal_error() {
    let xml = person("&b;<TITLE>x</TITLE>");
    let mut reader = un_list::read(xml.as_bytes(), options(0));
    assert!(reader.next().unwrap().unwrap_err().is_fatal());
    assert!(reader.next().is_none() && reader.next().is_none());
}

#[test]
fn direction_tricks_in_names_are_taken_out_and_counted() {
    let xml = person("<SECOND_NAME>B\u{202E}C</SECOND_NAME>");
    let all = un_list::read_all(xml.as_bytes(), options(0)).unwrap();
    let path = "CONSOLIDATED_LIST/INDIVIDUALS/INDIVIDUAL/SECOND_NAME";
    assert_eq!(all.report.paths()[path].weakened.len(), 1);
}

#[test]
fn errors_repeat_no_content() {
    let xml = person("&thesecretname;");
    let error = fault(xml.as_bytes());
    assert!(!format!("{error} {error:?}").contains("secret"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_lists_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..5, any::<u8>(), 0_usize..80), 1..12)) {
        let mut bytes = FIXTURE.as_bytes().to_vec();
        for (place, how, byte, length) in edits {
            let at = place.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.drain(at..end)),
                3 => { let copy = bytes[at..end].to_vec(); bytes.splice(at..at, copy); }
                _ => bytes[at] = b"<>&;/'\"!?[]"[usize::from(byte) % 11],
            }
            if bytes.is_empty() { bytes.push(b'<'); }
        }
        let mut count = 0_usize;
        for item in un_list::read(bytes.as_slice(), options(0)) {
            count += 1;
            prop_assert!(count <= bytes.len());
            if let Ok(record) = item {
                prop_assert!(record.list.source_ref.len() <= 64);
                prop_assert!(record.list.source_ref.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/".contains(&b)));
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = un_list::read_all(&bytes, options(0));
    }
}
