//! What `mithaq names` says to people, in the four languages of the interface. Codes and bands are the same in all.

use mithaq_model::{Lang, Words4};
use mithaq_names::{Agreement, Convention, Explanation, Field, Reason, ReasonCode, Role};

macro_rules! words {
    ($($name:ident: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        $(pub(super) const $name: Words4 = Words4 { en: $en, fr: $fr, es: $es, ar: $ar };)+
        #[cfg(test)]
        const ALL: &[Words4] = &[$($name),+];
    };
}

words! {
    CALIBRATION:
        "the odds before any evidence, and what labelled pairs teach of such a set",
        "les chances avant tout indice, et ce que des paires connues apprennent d'un tel ensemble",
        "las probabilidades antes de todo indicio, y lo que pares conocidos enseñan de un conjunto así",
        "الاحتمال قبل أي دليل، وما تعلّمه أزواج معروفة عن مثل هذه المجموعة";
    LEFT: "{} has no counterpart", "{} n'a pas de correspondant", "{} no tiene correspondencia", "لا مقابل لـ {}";
    LEFT_ONLY:
        "{} has no counterpart, but is only a {}",
        "{} n'a pas de correspondant, mais n'est que ceci : {}",
        "{} no tiene correspondencia, pero es solo esto: {}",
        "لا مقابل لـ {}، لكنه ليس إلا {}";
    ORDER: "the order differs", "l'ordre diffère", "el orden difiere", "الترتيب مختلف";
    POPULATION:
        "names of the index that would agree as well by chance: {}",
        "noms de l'index qui concorderaient aussi bien par hasard : {}",
        "nombres del índice que coincidirían igual de bien por azar: {}",
        "أسماء الفهرس التي قد تتطابق مثله صدفة: {}";
    LESS: "less than {}", "moins de {}", "menos de {}", "أقل من {}";
    EQUAL: "{} is {}", "{} est {}", "{} es {}", "{} هو {}";
    INITIAL: "{} ~ {}: an initial", "{} ~ {} : une initiale", "{} ~ {}: una inicial", "{} ~ {}: حرف أول";
    JOINED:
        "{} ~ {}: written as one and as two",
        "{} ~ {} : écrits en un mot et en deux",
        "{} ~ {}: escritos en una palabra y en dos",
        "{} ~ {}: كلمة واحدة هنا وكلمتان هناك";
    EVERYDAY:
        "{} ~ {}: another form of the name",
        "{} ~ {} : une autre forme du nom",
        "{} ~ {}: otra forma del nombre",
        "{} ~ {}: صيغة أخرى من الاسم";
    BEGINNING:
        "{} ~ {}: the beginning of the other", "{} ~ {} : le début de l'autre", "{} ~ {}: el comienzo del otro",
        "{} ~ {}: بداية الآخر";
    APART:
        "{} ~ {}: alike, but two names", "{} ~ {} : semblables, mais deux noms",
        "{} ~ {}: parecidos, pero dos nombres", "{} ~ {}: متشابهان، لكنهما اسمان";
    SPELLING: "{} ~ {}", "{} ~ {}", "{} ~ {}", "{} ~ {}";
    UNLIKE:
        "the names are too unlike for all that agrees to count",
        "les noms sont trop différents pour que compte tout ce qui concorde",
        "los nombres son demasiado distintos para que cuente todo lo que coincide",
        "الاسمان مختلفان أكثر من أن يُحسب كل ما يتطابق";
    WRITTEN: "; {} written {}: {}", " ; {} écrit {} : {}", "; {} escrito {}: {}", "؛ {} مكتوب {}: {}";
    HEAD: "{} ({}), tables {}", "{} ({}), tables {}", "{} ({}), tablas {}", "{} ({})، الجداول {}";
    BY: "by {}", "par {}", "por {}", "بالاسم {}";
    ALIAS: "{} ({} alias)", "{} (alias {})", "{} (alias {})", "{} (اسم مستعار {})";
    BORN: "born {}", "naissance {}", "nacimiento {}", "الميلاد {}";
    AT: "at {}", "à {}", "en {}", "في {}";
    DOCUMENT: "document {}", "document {}", "documento {}", "وثيقة {}";
    NATIONALITY: "nationality {}", "nationalité {}", "nacionalidad {}", "الجنسية {}";
    SEX: "sex {}", "sexe {}", "sexo {}", "الجنس {}";
    NOBODY:
        "no name of the index may be this one (from probability {})",
        "aucun nom de l'index ne peut être celui-ci (à partir de la probabilité {})",
        "ningún nombre del índice puede ser este (desde la probabilidad {})",
        "لا اسم في الفهرس قد يكون هذا (من الاحتمال {})";
    EVERY_WORD:
        "these agree in every word that was given, which is too little to tell who it is: give more of the name",
        "ceux-ci concordent dans chaque mot donné, ce qui est trop peu pour dire qui c'est : donnez une plus grande partie du nom",
        "estos coinciden en cada palabra dada, que es muy poco para decir quién es: dé una parte mayor del nombre",
        "تتطابق هذه في كل كلمة أُعطيت، وهذا أقل من أن يُعرف من هو: أعط جزءا أكبر من الاسم";
    MORE:
        "{} records reach probability {}; the best {} are shown (`--limit`)",
        "{} fiches atteignent la probabilité {} ; les {} meilleures sont montrées (`--limit`)",
        "{} registros alcanzan la probabilidad {}; se muestran los {} mejores (`--limit`)",
        "{} سجلات تبلغ الاحتمال {}؛ يُعرض أفضل {} منها (`--limit`)";
    CUT:
        "more names of the index are like this one than the {} records that were weighed: give more of the name",
        "l'index a plus de noms semblables que les {} fiches pesées : donnez une plus grande partie du nom",
        "el índice tiene más nombres parecidos que los {} registros pesados: dé una parte mayor del nombre",
        "في الفهرس أسماء شبيهة أكثر من السجلات الموزونة وعددها {}: أعط جزءا أكبر من الاسم";
}

/// Puts texts into the places of a sentence.
pub(super) fn fill(words: &Words4, lang: Lang, values: &[&str]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    for (number, part) in words.get(lang).split("{}").enumerate() {
        if number > 0 {
            out.push_str(values.next().copied().unwrap_or_default());
        }
        out.push_str(part);
    }
    out
}

const fn of(en: &'static str, fr: &'static str, es: &'static str, ar: &'static str) -> Words4 {
    Words4 { ar, en, es, fr }
}

const fn role(role: Role) -> Words4 {
    match role {
        Role::Initial => of("initial", "initiale", "inicial", "حرف أول"),
        Role::Kunya => of("kunya", "kounya", "kunya", "كنية"),
        Role::LegalForm => of("legal_form", "forme juridique", "forma jurídica", "شكل قانوني"),
        Role::Number => of("number", "numéro", "número", "رقم"),
        Role::Particle => of("particle", "particule", "partícula", "أداة"),
        Role::Patronymic => of("patronymic", "patronyme", "patronímico", "اسم أب"),
        Role::Plain => of("name", "nom", "nombre", "اسم"),
        Role::Suffix => of("suffix", "suffixe", "sufijo", "لاحقة"),
        Role::Title => of("title", "titre", "título", "لقب"),
    }
}

const fn field(field: Field) -> Words4 {
    match field {
        Field::BirthDate => of("birth_date", "date de naissance", "fecha de nacimiento", "تاريخ الميلاد"),
        Field::BirthPlace => of("birth_place", "lieu de naissance", "lugar de nacimiento", "مكان الميلاد"),
        Field::Document => of("document", "document", "documento", "وثيقة"),
        Field::Nationality => of("nationality", "nationalité", "nacionalidad", "الجنسية"),
        Field::Sex => of("sex", "sexe", "sexo", "الجنس"),
    }
}

const fn agreement(agreement: Agreement) -> Words4 {
    match agreement {
        Agreement::Conflicts => of("conflicts", "contredit", "contradice", "متناقض"),
        Agreement::Differs => of("differs", "diffère", "difiere", "مختلف"),
        Agreement::Near => of("near", "proche", "cercano", "قريب"),
        Agreement::Same => of("same", "concorde", "coincide", "مطابق"),
    }
}

const fn convention(convention: Convention) -> Words4 {
    let en = convention.name();
    match convention {
        Convention::Hacek => of(
            en,
            "balte, tchèque ou slave du Sud",
            "báltico, checo o eslavo meridional",
            "بلطيقي أو تشيكي أو سلافي جنوبي",
        ),
        Convention::Dutch => of(en, "néerlandais", "neerlandés", "هولندي"),
        Convention::Egyptian => of(en, "égyptien", "egipcio", "مصري"),
        Convention::English => of(en, "anglais", "inglés", "إنجليزي"),
        Convention::French => of(en, "français (Maghreb)", "francés (Magreb)", "فرنسي (المغرب العربي)"),
        Convention::German => of(en, "allemand", "alemán", "ألماني"),
        Convention::Gulf => of(en, "du Golfe ou libyen", "del Golfo o libio", "خليجي أو ليبي"),
        Convention::Persian => of(en, "persan", "persa", "فارسي"),
        Convention::Polish => of(en, "polonais", "polaco", "بولندي"),
        Convention::Scandinavian => of(en, "scandinave", "escandinavo", "إسكندنافي"),
        Convention::Spanish => of(en, "espagnol", "español", "إسباني"),
        Convention::Turkish => of(en, "turc", "turco", "تركي"),
    }
}

/// The lines of an explanation, the first of which says the likeness.
pub(super) fn explanation(why: &Explanation, lang: Lang) -> Vec<String> {
    let likeness = &why.likeness;
    let (probability, tables) = (format!("{:.2}", likeness.probability), likeness.tables_version.to_string());
    let mut lines = vec![fill(&HEAD, lang, &[likeness.band.code(), &probability, &tables])];
    lines.extend(why.reasons.iter().map(|one| reason(one, lang)));
    lines
}

fn reason(reason: &Reason, lang: Lang) -> String {
    let (a, b) = (reason.a.as_str(), reason.b.as_str());
    let side = if a.is_empty() { b } else { a };
    let said = match reason.code {
        ReasonCode::Calibration => fill(&CALIBRATION, lang, &[]),
        ReasonCode::Detail(of, how) => format!("{}: {}", field(of).get(lang), agreement(how).get(lang)),
        ReasonCode::Left(Role::Plain) => fill(&LEFT, lang, &[side]),
        ReasonCode::Left(of) => fill(&LEFT_ONLY, lang, &[side, role(of).get(lang)]),
        ReasonCode::Order => fill(&ORDER, lang, &[]),
        ReasonCode::Population => {
            let count = a.strip_prefix("less than ").map(|number| fill(&LESS, lang, &[number]));
            fill(&POPULATION, lang, &[count.as_deref().unwrap_or(a)])
        }
        ReasonCode::TokenApart => fill(&APART, lang, &[a, b]),
        ReasonCode::TokenEqual => fill(&EQUAL, lang, &[a, b]),
        ReasonCode::TokenInitial => fill(&INITIAL, lang, &[a, b]),
        ReasonCode::TokenJoined => fill(&JOINED, lang, &[a, b]),
        ReasonCode::TokenNickname => fill(&EVERYDAY, lang, &[a, b]),
        ReasonCode::TokenShortened => fill(&BEGINNING, lang, &[a, b]),
        ReasonCode::TokenSpelling => fill(&SPELLING, lang, &[a, b]),
        ReasonCode::Unlike => fill(&UNLIKE, lang, &[]),
    };
    let mut out = format!("{:+5.1}  {said}", reason.bits);
    for spelling in &reason.spellings {
        let convention = convention(spelling.convention);
        let values = [spelling.stands_for.as_str(), spelling.written.as_str(), convention.get(lang)];
        out.push_str(&fill(&WRITTEN, lang, &values));
    }
    out
}

#[cfg(test)]
mod tests {
    use mithaq_names::{BirthDate, Details, Name, Scorer, Sex};

    use super::*;

    #[test]
    fn every_sentence_has_as_many_places_in_every_language() {
        for words in ALL {
            let places = |lang| words.get(lang).matches("{}").count();
            assert!(Lang::INTERFACE.iter().all(|lang| places(*lang) == places(Lang::EN)), "{}", words.en);
        }
    }

    #[test]
    fn the_english_is_that_of_the_library_and_the_others_are_not() {
        let born = |year, sex| Details {
            births: vec![BirthDate::day(year, 5, 3)],
            sex: Some(sex),
            ..Details::default()
        };
        for (a, b) in [
            ("جمال بن عاشور", "Djamel Benachour"),
            ("Dr. Bill J. Harrington", "Harrington, William John"),
            ("Nina Sergeevna Orlova", "Нина Орлова"),
            ("Abu Omar Zubayda", "Ivan Petrov"),
            ("Samir Haddad", "Samira Haddad"),
        ] {
            let (a, b) = (Name::parse(a), Name::parse(b));
            let why = Scorer::new().explain(&a, &b, &born(1961, Sex::Male), &born(1990, Sex::Female));
            for why in [why.clone().among(why.likeness, 0.01), why.clone().among(why.likeness, 7.0)] {
                let library: Vec<String> = why.to_string().lines().map(ToOwned::to_owned).collect();
                assert_eq!(explanation(&why, Lang::EN), library);
                for lang in [Lang::AR, Lang::FR, Lang::ES] {
                    let shown = explanation(&why, lang).join("\n");
                    assert!(!shown.contains("by chance") && !shown.contains("evidence"), "{shown}");
                }
            }
        }
    }
}
