//! Names that a reader of the script sees as two, by naming system: never `possible` by the name alone. All are invented
//! of common parts.
//!
//! Sources: the ninety-nine names of God (abd); UK Home Office, "A guide to names and naming practices" (2006), on the
//! kunya, on feminine forms and on patronymics.

use mithaq_names::{Band, Kind, Name, Scorer};

fn apart(kind: Kind, pairs: &[(&str, &str)]) {
    let band = |a: &str, b: &str| {
        let (a, b) = (Name::parse_as(kind, a), Name::parse_as(kind, b));
        assert_eq!(Scorer::new().score(&a, &b).bits.to_bits(), Scorer::new().score(&b, &a).bits.to_bits());
        Scorer::new().score(&a, &b).band
    };
    for (a, b) in pairs {
        assert!(band(a, b) < Band::Possible, "{a} | {b}");
        assert_eq!(band(a, a), Band::Possible, "{a}");
        assert_eq!(band(b, b), Band::Possible, "{b}");
    }
}

#[test]
fn short_arabic_names_that_differ_in_a_letter() {
    apart(
        Kind::Person,
        &[
            ("حسن الكعبي", "حسين الكعبي"),
            ("عمر البصري", "عمرو البصري"),
            ("أحمد الزهراني", "محمد الزهراني"),
            ("محمود الزهراني", "محمد الزهراني"),
            ("سعيد العتيبي", "سعد العتيبي"),
            ("سالم العتيبي", "سليم العتيبي"),
            ("حمید رستمی", "حامد رستمی"),
            ("Hassan Kaabi", "Hussein Kaabi"),
        ],
    );
}

#[test]
fn servants_of_two_names_of_god() {
    apart(
        Kind::Person,
        &[
            ("عبد الرحمن قاسم", "عبد الرحيم قاسم"),
            ("عبد الرحمن قاسم", "Abdul Rahim Qasim"),
            ("Abdelkader Ziani", "Abdelkarim Ziani"),
            ("Абдуррахман Касимов", "Абдуррахим Касимов"),
        ],
    );
}

#[test]
fn a_woman_is_not_her_brother() {
    apart(
        Kind::Person,
        &[
            ("Samir Haddad", "Samira Haddad"),
            ("سمير حداد", "سميرة حداد"),
            ("Samir Haddad", "سميرة حداد"),
            ("Мария Смирнова", "Марина Смирнова"),
            ("Александр Иванов", "Александра Иванова"),
            ("Евгений Орлов", "Евгения Орлова"),
            ("أم يوسف التونسية", "أبو يوسف التونسي"),
            ("Abu Yusuf al-Tunisi", "Umm Yusuf al-Tunisi"),
        ],
    );
}

#[test]
fn sons_of_two_fathers() {
    apart(
        Kind::Person,
        &[
            ("Иван Иванович Смирнов", "Иван Петрович Смирнов"),
            ("Иван Иванович Смирнов", "Ivan Petrovich Smirnov"),
            ("Ivan Ivanovich Smirnov", "Ivan Petrovich Smirnov"),
        ],
    );
}

#[test]
fn the_third_and_the_fourth_whatever_else_is_alike() {
    apart(
        Kind::Person,
        &[
            ("Konradin III Hohenberg of Altmarken", "Konradin IV Hohenberg of Altmarken"),
            ("Zubayda Qasim Rahmani Jr", "Zubayda Qasim Rahmani Sr"),
        ],
    );
}

#[test]
fn brothers_share_all_but_the_first_name() {
    apart(
        Kind::Person,
        &[
            ("Samir Mustafa Ibrahim al-Basri", "Omar Mustafa Ibrahim al-Basri"),
            ("يوسف مصطفى إبراهيم البصري", "Omar Mustafa Ibrahim al-Basri"),
        ],
    );
    let likeness = |a: &str, b: &str| Scorer::new().score(&Name::parse(a), &Name::parse(b));
    let (brother, stranger) = (
        likeness("Samir Mustafa Ibrahim al-Basri", "Omar Mustafa Ibrahim al-Basri"),
        likeness("Samir Mustafa Ibrahim al-Basri", "Nina Orlova"),
    );
    assert!(brother.bits > stranger.bits + 2.0);
}

#[test]
fn bodies_of_two_numbers_or_two_countries() {
    apart(
        Kind::Organisation,
        &[
            ("Volta Trading 2", "Volta Trading 3"),
            ("Kalmora Benetti Shipping Volta Trading 2", "Kalmora Benetti Shipping Volta Trading 3"),
            ("School No. 14", "School No. 15"),
            ("Ministry of Defence of Iraq", "Ministry of Defence of Iran"),
            ("وزارة الدفاع العراقية", "وزارة الدفاع الإيرانية"),
            ("Embassy of Niger", "Embassy of Nigeria"),
            ("National Bank of Slovakia", "Nationalbank Slowenien"),
        ],
    );
}

#[test]
fn one_common_name_is_no_person_and_a_rare_one_may_be() {
    let itself = |text: &str| Scorer::new().score(&Name::parse(text), &Name::parse(text)).band;
    for text in ["Mohamed", "محمد", "Ali", "Иван", "Maria", "A", "M", "J. M."] {
        assert!(itself(text) < Band::Possible, "{text}");
    }
    for text in ["Zubayda", "Mohamed Ali", "Ali Hassan", "Ben Jones"] {
        assert_eq!(itself(text), Band::Possible, "{text}");
    }
}

#[test]
fn letters_alone_name_nobody() {
    for (a, b) in
        [("A J X B", "A J X B"), ("A J X B", "クリス"), ("J. S.", "John Smith"), ("А. Б.", "Анна Белова")]
    {
        let likeness = Scorer::new().score(&Name::parse(a), &Name::parse(b));
        assert_eq!(likeness.band, Band::Unlikely, "{a} / {b}: {}", likeness.bits);
    }
    let (short, whole) = (Name::parse("J. Smithson"), Name::parse("Jonathan Smithson"));
    assert!(Scorer::new().score(&short, &whole).band > Band::Unlikely, "an initial beside a name does count");
}
