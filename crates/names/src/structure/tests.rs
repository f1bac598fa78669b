use super::*;
use crate::script::printable;

fn tokens(text: &str) -> Vec<String> {
    let name = Name::parse(text);
    name.tokens()
        .iter()
        .map(|t| {
            let shown: Vec<char> = name.symbols_of(t).iter().map(|s| printable(t.script, *s)).collect();
            let (skip, core) = shown.split_at(usize::from(t.skip));
            let text = |chars: &[char]| chars.iter().collect::<String>();
            if skip.is_empty() { text(core) } else { format!("{}|{}", text(skip), text(core)) }
        })
        .collect()
}

#[test]
fn arabic_structure_is_one_form_in_every_spelling() {
    for spelling in ["Abdelhamid", "Abd al-Hamid", "Abdul Hamid", "Abd-el-Hamid", "ABDOULHAMID"] {
        assert_eq!(tokens(spelling), ["abd|hamid"], "{spelling}");
    }
    assert_eq!(tokens("عبد الحميد"), ["عبد|حميد"]);
    assert_eq!(tokens("عبدالحميد"), ["عبد|حميد"]);
    assert_eq!(tokens("Абдельхамид"), ["абд|хамид"]);
    assert_eq!(tokens("Abderrahmane"), ["abd|rahmane"]);
    assert_eq!(tokens("Abd ar-Rahman"), ["abd|rahman"]);
}

#[test]
fn din_and_allah_join_the_name_before() {
    assert_eq!(tokens("Nour Eddine"), ["nourdine"]);
    assert_eq!(tokens("Nur al-Din"), ["nurdin"]);
    assert_eq!(tokens("نور الدين"), ["نوردين"]);
    assert_eq!(tokens("Abd Allah"), ["abd|allah"]);
    assert_eq!(tokens("عبد الله"), ["عبد|الله"]);
}

#[test]
fn particles_go_with_the_name_they_belong_to() {
    assert_eq!(tokens("Mohamed ben Ali"), ["mohamed", "ben|ali"]);
    assert_eq!(tokens("محمد بن علي"), ["محمد", "بن|علي"]);
    assert_eq!(tokens("Ludwig van der Berg"), ["ludwig", "vander|berg"]);
    assert_eq!(tokens("Benabdallah"), ["ben|abdallah"]);
}

#[test]
fn comma_puts_the_family_name_last() {
    assert_eq!(tokens("MURPHY, Paul"), ["paul", "murphy"]);
    assert_eq!(tokens("Ken Porter, Jr"), ["ken", "porter", "jr"]);
}
