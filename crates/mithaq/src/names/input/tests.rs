use super::*;

fn format() -> Format {
    Format {
        kind: KindArg::Person,
        id_column: "ref".into(),
        name_columns: vec!["Name".into(), "alias".into()],
        born_column: Some("dob".into()),
        place_column: None,
        document_column: None,
        nationality_column: None,
        sex_column: None,
        kind_column: None,
        separator: ',',
    }
}

fn of_table(bytes: &[u8], format: &Format) -> Result<Read, Failure> {
    table(&Decoded::new(bytes)?, format)
}

fn places(read: &Read) -> Vec<(&str, bool)> {
    read.problems.iter().map(|problem| (problem.at.as_str(), problem.left_out)).collect()
}

#[test]
fn a_table_is_read_by_its_header() {
    let text = "\u{feff}ref,name,alias,dob\r\n1,\"Rahmani, Zubayda\",\"Z. \"\"Zuzu\"\"\",1961\r\n,x,,\n1,Zubayda,,\n\n";
    let read = of_table(text.as_bytes(), &format()).unwrap();
    assert_eq!((read.cards.len(), read.skipped, read.unread), (1, 1, 0));
    let names: Vec<&str> = read.cards[0].names.iter().map(|n| n.text.as_str()).collect();
    assert_eq!(names, ["Rahmani, Zubayda", "Z. \"Zuzu\"", "Zubayda"]);
    assert_eq!(read.cards[0].born, ["1961"]);
    assert!(of_table(b"id,name\n", &format()).is_err_and(|f| f.hint.is_some_and(|h| h.contains("id, name"))));
}

#[test]
fn every_column_of_details_is_read() {
    let format = Format {
        place_column: Some("place".into()),
        document_column: Some("doc".into()),
        nationality_column: Some("state".into()),
        sex_column: Some("sex".into()),
        kind_column: Some("kind".into()),
        ..format()
    };
    let text = "ref,name,alias,dob,place,doc,state,sex,kind\n\
                1,Nina Orlova,,1961-05-03,Kalmora,passport:MA:AB1,ma,Female,person\n\
                2,Volta,,,,,,,org\n\
                3,Nina,,,,AB1,Atlantis,x,\n\
                4,Nina,,,,,,,vessel\n";
    let read = of_table(text.as_bytes(), &format).unwrap();
    let of = read.cards[0].details();
    assert_eq!((of.births.len(), of.birth_places.len(), of.documents.len()), (1, 1, 1));
    assert_eq!((of.nationalities, read.cards[0].sex.as_str()), (vec![*b"MA"], "f"));
    assert_eq!(read.cards[1].kind(), Kind::Organisation);
    assert_eq!((read.cards.len(), read.skipped, read.unread), (3, 1, 3));
    let lines = [("line 4", false), ("line 4", false), ("line 4", false), ("line 5", true)];
    assert_eq!(places(&read), lines);
}

#[test]
fn lines_hold_an_id_and_names() {
    let file =
        Decoded::new("\u{feff}a\tNina Orlova\tНина Орлова\n\nb\nc\t\na\tN. Orlova\n".as_bytes()).unwrap();
    let read = lines(&file, &format());
    assert_eq!((read.cards.len(), read.skipped), (1, 2));
    assert_eq!((read.cards[0].id.as_str(), read.cards[0].names.len()), ("a", 3));
    assert_eq!(places(&read), [("line 3", true), ("line 4", true)]);
}

#[test]
fn what_is_not_utf8_is_left_out_and_named() {
    let file = Decoded::new(b"a\tNina\nb\tN\xffna\nc\tIvan\n").unwrap();
    let read = lines(&file, &format());
    assert_eq!((read.cards.len(), places(&read)), (2, vec![("line 2", true)]));
    let read = of_table(b"ref,name,alias,dob\n1,\"N\n\xe9\",,\n2,Ivan,,\n", &format()).unwrap();
    assert_eq!((read.cards.len(), places(&read)), (1, vec![("line 2", true)]));
    for wide in [b"\xff\xfea\0\t\0".as_slice(), b"a\0\t\0b\0"] {
        assert!(Decoded::new(wide).is_err_and(|f| f.hint.is_some_and(|h| h.contains("iconv"))));
    }
}

#[test]
fn a_quote_that_stays_open_is_refused_with_its_line() {
    let text = "ref,name,alias,dob\n1,Nina,,\n2,\"Ivan,,\n3,Olga,,\n";
    let refused = of_table(text.as_bytes(), &format()).unwrap_err();
    assert!(refused.text.contains("line 3"), "{}", refused.text);
    let read = of_table(b"ref,name,alias,dob\n1,Orlova, Nina,,1961\n", &format()).unwrap();
    assert_eq!(places(&read), [("line 2", true)], "a field more than the header has");
}

#[test]
fn a_date_in_another_form_is_named_and_its_record_kept() {
    let read = of_table(b"ref,name,alias,dob\n1,Nina,,03/05/1961\n2,Ivan,,1961\n", &format()).unwrap();
    assert_eq!((read.cards.len(), read.skipped, read.unread), (2, 0, 1));
    assert!(read.problems[0].at == "line 2" && read.problems[0].why.contains("03/05/1961"));
    assert!(read.cards[0].details().births.is_empty() && read.cards[1].details().births.len() == 1);
}
