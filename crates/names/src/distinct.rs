//! Words that are two names, however alike they are written: حسن and حسين, Samir and Samira, Мария and Марина.
//!
//! An alignment says what it costs to read one word as another, and for names of a few letters that is little. Whoever
//! reads the script knows better, from three things that are known here too:
//!
//! - **classes**: frequent words of the token lists, grouped by the word of the other script that most often stands for
//!   them (`tables/classes.txt`, made by `mithaq-names-train`). Two frequent words of different groups are two names; a rare
//!   word belongs to no group and is judged by its letters. Of bodies, concepts are classes (Iraq is not Iran);
//! - **names of God**: Abdul Rahman is not Abdul Rahim. A list of what follows "servant of";
//! - **sex**: the feminine ending of a given name, father and mother in a kunya, son and daughter in a patronymic. The
//!   feminine form of a Slavic family name is the same family.
//!
//! What this module deliberately does not do: say that two words are one name.

use std::sync::LazyLock;

use crate::concepts;
use crate::hashed::Hashed;
use crate::lexicon;
use crate::name::{Kind, Name, Role, Token};
use crate::nicknames::{self, NO_LINES};
use crate::script::{Script, Symbol};
use crate::structure::COST_ABD;
use crate::training;

/// A group of words; 0 for words of none. The two highest bits say groups of what, so that only like is held against like.
type Class = u16;

const KIND: Class = 0xc000;
const CONCEPT: Class = 0x4000;
const DIVINE: Class = 0x8000;

/// The names of God that follow "servant of", a line a name, as they are written in Arabic, Latin and Cyrillic.
/// Common knowledge (the ninety-nine names, and those of the Prophet that follow it in the east).
const NAMES_OF_GOD: &[&str] = &[
    "rahman rahmane rahmaan rehman rachman rahmon رحمن رحمان рахман рахмон",
    "rahim raheem rahem rakhim رحيم رحیم рахим",
    "karim kareem kerim karem krim كريم карим керим",
    "kabir kebir kabeer كبير кабир",
    "qadir kader kadir qader qadeer kadr kadyr قادر قدير кадир кадыр кадер",
    "hamid hameed hamed hamit حميد хамид",
    "halim haleem حليم халим",
    "hakim hakeem hakem حكيم хаким",
    "haq haqq hak hakk haque حق хак хакк",
    "hafiz hafez hafeez حفيظ حافظ хафиз",
    "hadi хади هادي",
    "hay hayy hai حي хай",
    "aziz azeez azziz عزيز азиз",
    "azim azeem azem عظيم азим",
    "alim aleem عليم алим",
    "ali aly عال علي али",
    "adil adel عدل عادل адил",
    "ahad أحد احد ахад",
    "malik malek maleek ملك مالك малик",
    "salam salaam سلام салам",
    "samad صمد самад",
    "sami samee samie سميع сами",
    "sattar sattaar satar ستار саттар сатар",
    "subhan سبحان субхан",
    "shakur shakoor chakour شكور шакур",
    "shahid شهيد шахид",
    "ghaffar ghafar gaffar غفار гаффар гафар",
    "ghafur ghafour ghafoor gafur غفور гафур",
    "ghani ghany gani rhani غني гани",
    "fattah fatah فتاح фаттах фатах",
    "razzaq razaq razak razzak rezzak razzaque رزاق раззак разак",
    "rauf raouf raoof rauof رؤوف رءوف رووف рауф",
    "rashid rasheed rachid reshid رشيد рашид",
    "qahhar qahar kahar قهار каххар кахар",
    "qayyum qayum qayoom kayum قيوم каюм",
    "quddus qudus kuddus koddous قدوس куддус",
    "qawi kawi قوي",
    "jabbar jabar djabbar djabar gabbar جبار джаббар джабар",
    "jalil jaleel djalil gelil galil جليل джалил джалиль",
    "jamil djamil gamil جميل джамиль джамил",
    "jawad djawad gawad جواد джавад",
    "latif lateef latyf لطيف латиф",
    "majid majeed madjid magid مجيد ماجد маджид меджид",
    "matin mateen متين матин",
    "mumin moumen momin moumin مؤمن мумин",
    "muhsin mohsen محسن мухсин",
    "monem moneim monim munim منعم",
    "mannan manan منان маннан",
    "muttalib mutalib mottaleb مطلب мутталиб",
    "mutaal motaal moutaal متعال",
    "nasir naser nasser naseer ناصر نصير насер насир",
    "nur nour noor نور нур",
    "nabi naby نبي наби",
    "rasul rasool rassoul رسول расул",
    "rab rabb rabbo رب раб",
    "wahid wahed ouahid waheed واحد وحيد вахид",
    "wahab wahhab ouahab waheb وهاب вахаб ваххаб",
    "wadud wadood ouadoud ودود вадуд",
    "wali ولي вали",
    "wakil wakeel وكيل вакил",
    "warith ouareth وارث",
    "basit basset baset bassit باسط басит",
    "basir baseer بصير басир",
    "bari بارئ باري бари",
    "baqi baki baky باقي баки",
    "badi بديع",
    "batin باطن",
    "tawab tawwab taouab تواب тавваб",
    "khaliq khalek khalik khaleq خالق халик",
    "ilah illah elah إله",
    "zahir zaher ظاهر захир",
    "khabir khabeer خبير",
    "fadil fadhil فاضل",
];

/// Groups of the words that follow "servant of".
static NAMES: LazyLock<Hashed<Class>> = LazyLock::new(|| {
    let of = |(line, words): (Class, &'static &str)| {
        let symbols = words.split(' ').filter_map(training::symbols);
        symbols.map(move |(script, s)| (lexicon::hash(script, &s), DIVINE | line)).collect::<Vec<_>>()
    };
    Hashed::new((1..).zip(NAMES_OF_GOD).flat_map(of).collect::<Vec<_>>().into_iter())
});

/// Bits of a hash that the table keeps.
const KEPT: u64 = (1 << 40) - 1;

/// Groups of frequent words: a line a group, the hashes of its words.
static CLASSES: LazyLock<Hashed<Class>> =
    LazyLock::new(|| Hashed::new(read(include_str!("../tables/classes.txt")).into_iter()));

/// Reads hexadecimal keys and the lines they stand in, counted from 1; digit by digit, for it is done at every start.
fn read(table: &str) -> Vec<(u64, Class)> {
    let (mut out, mut key, mut class) = (Vec::with_capacity(table.len() / 10), 0_u64, 1);
    for byte in table.bytes() {
        match byte {
            b'0'..=b'9' => key = key << 4 | u64::from(byte - b'0'),
            b'a'..=b'f' => key = key << 4 | u64::from(byte - b'a' + 10),
            _ => {
                out.push((std::mem::take(&mut key), class));
                class += Class::from(byte == b'\n');
            }
        }
    }
    out
}

/// The key of a word in the table of classes.
pub(crate) const fn key(core: u64) -> u64 {
    core & KEPT
}

/// The class of a word.
fn class((name, token): (&Name, &Token)) -> Class {
    let listed = || CLASSES.get(key(token.core));
    let found = match name.kind {
        Kind::Person if token.skip_cost == COST_ABD => NAMES.get(token.core),
        Kind::Person => listed().filter(|_| matches!(token.role, Role::Plain | Role::Kunya)),
        Kind::Organisation => {
            concepts::of_english(token.core).map(|concept| CONCEPT | concept & !KIND).or_else(listed)
        }
        Kind::Place => None,
    };
    found.unwrap_or(0)
}

/// True for a name of God.
pub(crate) fn is_divine(script: Script, symbols: &[Symbol]) -> bool {
    NAMES.get(lexicon::hash(script, symbols)).is_some()
}

/// True when two words that are not equal are two names.
pub(crate) fn apart(a: (&Name, &Token), b: (&Name, &Token)) -> bool {
    let (x, y) = (a.1, b.1);
    if a.0.kind == Kind::Place {
        // Two places that are known are two unless a line names both.
        return x.nicknames != NO_LINES
            && y.nicknames != NO_LINES
            && !nicknames::share(x.nicknames, y.nicknames);
    }
    let servants = x.skip_cost == COST_ABD && y.skip_cost == COST_ABD;
    if (servants || x.script == y.script)
        && !nicknames::share(x.nicknames, y.nicknames)
        && of_two_classes(class(a), class(b))
    {
        return servants || !(one_family(a, b) || adapted(a, b));
    }
    of_two_sexes(a, b)
}

/// True for two classes of one kind.
const fn of_two_classes(x: Class, y: Class) -> bool {
    x != 0 && y != 0 && x != y && x & KIND == y & KIND
}

/// True for the two forms of a Slavic family name: Ivanov and Ivanova, Белинский and Белинская.
fn one_family(a: (&Name, &Token), b: (&Name, &Token)) -> bool {
    let (short, long) = if a.1.len <= b.1.len { (a, b) } else { (b, a) };
    if short.1.script != long.1.script {
        return false;
    }
    let (man, woman) = (short.0.symbols_of(short.1), long.0.symbols_of(long.1));
    match long.1.script {
        Script::Latin => woman == [man, &[1]].concat() && matches!(man, [.., 15 | 5, 22]),
        Script::Cyrillic => match (man, woman) {
            ([stem @ .., 9, 10], [other @ .., 1, 32]) => stem == other,
            _ => woman == [man, &[1]].concat() && matches!(man, [.., 15 | 6, 3]),
        },
        Script::Arabic | Script::Hebrew | Script::Syllabic => false,
    }
}

/// True for a name as languages adapt it, in Latin letters: Marcus and Marco, Nikolaos and Nikolas; and for single
/// syllables, which are Korean and Chinese as often and written in many ways (Jong, Chong).
fn adapted(a: (&Name, &Token), b: (&Name, &Token)) -> bool {
    if a.1.script != Script::Latin || b.1.script != Script::Latin {
        return false;
    }
    let (x, y) = (core(a), core(b));
    stem(x) == stem(y) || (syllables(x) < 2 && syllables(y) < 2)
}

/// A Latin word without the ending of a man's name.
fn stem(word: &[Symbol]) -> &[Symbol] {
    match word {
        [stem @ .., 1 | 9 | 15 | 21, 19] | [stem @ .., 5 | 9 | 15 | 19 | 21 | 25] if stem.len() >= 3 => stem,
        _ => word,
    }
}

/// Runs of vowels of a Latin word.
fn syllables(word: &[Symbol]) -> usize {
    let vowel = |s: &Symbol| matches!(s, 1 | 5 | 9 | 15 | 21 | 25);
    word.chunk_by(|x, y| vowel(x) == vowel(y)).filter(|run| run.first().is_some_and(vowel)).count()
}

/// True when one is a man's name and the other the woman's made from it.
fn of_two_sexes(a: (&Name, &Token), b: (&Name, &Token)) -> bool {
    let (x, y) = (a.1, b.1);
    match (x.role, y.role) {
        (Role::Kunya, Role::Kunya) => mother(a) != mother(b),
        (Role::Patronymic, Role::Patronymic) => daughter(a) != daughter(b),
        (Role::Plain, Role::Plain) if x.script == y.script && x.len != y.len => {
            let (short, long) = if x.len < y.len { (a, b) } else { (b, a) };
            feminine(x.script, core(short), core(long))
        }
        (Role::Plain, Role::Plain) if x.script == Script::Arabic || y.script == Script::Arabic => {
            let (arabic, other) = if x.script == Script::Arabic { (a, b) } else { (b, a) };
            matches!(core(arabic), [_, _, .., 10]) && closed(other.1.script, core(other))
        }
        (Role::Plain, Role::Plain) if x.script == Script::Cyrillic && y.script == Script::Cyrillic => {
            let endings = |man: &[Symbol], woman: &[Symbol]| match (man, woman) {
                ([stem @ .., 10], [other @ .., 32]) => stem == other && stem.len() >= 4,
                _ => false,
            };
            endings(core(a), core(b)) || endings(core(b), core(a))
        }
        _ => false,
    }
}

/// The symbols of a token without its particles.
fn core<'a>((name, token): (&'a Name, &Token)) -> &'a [Symbol] {
    let symbols = name.symbols_of(token);
    symbols.get(usize::from(token.skip)..).unwrap_or(symbols)
}

/// True when the longer word is the feminine form of the shorter: Samir and Samira, سمير and سميرة. Not Ivanov and Ivanova.
fn feminine(script: Script, man: &[Symbol], woman: &[Symbol]) -> bool {
    let Some(ending) = woman.strip_prefix(man) else { return false };
    match script {
        Script::Latin => {
            man.len() >= 4
                && matches!(ending, [1] | [1, 8])
                && !matches!(man, [.., 15 | 5, 22] | [.., 9, 14] | [.., 1 | 5 | 9 | 15 | 21])
        }
        Script::Cyrillic => {
            man.len() >= 4
                && ending == [1]
                && !matches!(man, [.., 15 | 6, 3] | [.., 9, 14] | [.., 1 | 6 | 9 | 15 | 20])
        }
        Script::Arabic => man.len() >= 3 && matches!(ending, [10] | [37]),
        Script::Hebrew | Script::Syllabic => false,
    }
}

/// True for a word that ends as no transcription of the Arabic feminine ending does: in a consonant but h and t.
fn closed(script: Script, word: &[Symbol]) -> bool {
    match (script, word.last()) {
        (Script::Latin, Some(last)) => !matches!(last, 1 | 5 | 8 | 9 | 15 | 20 | 21 | 25) && *last < 27,
        (Script::Cyrillic, Some(last)) => {
            !matches!(last, 1 | 6 | 9 | 15 | 19 | 20 | 22 | 28 | 29 | 30 | 31 | 32)
        }
        _ => false,
    }
}

/// True for "mother of".
fn mother((name, token): (&Name, &Token)) -> bool {
    matches!(
        (token.script, name.symbols_of(token)),
        (Script::Latin, [15 | 21, 13, ..] | [15, 21, 13, ..])
            | (Script::Arabic, [1, 35, ..])
            | (Script::Cyrillic, [20, 13, ..])
    )
}

/// True for the patronymic of a woman.
fn daughter((name, token): (&Name, &Token)) -> bool {
    matches!(name.symbols_of(token), [.., 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_belongs_to_one_line_of_the_names_of_god() {
        let mut words: Vec<&str> = NAMES_OF_GOD.iter().flat_map(|line| line.split(' ')).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn the_table_of_classes_is_read_whole() {
        assert_eq!(read("1f a\n0c\n"), [(0x1f, 1), (0xa, 1), (0xc, 2)]);
        let text = include_str!("../tables/classes.txt");
        let all = read(text);
        assert_eq!(all.len(), text.split_whitespace().count());
        assert!(
            all.last()
                .is_some_and(|(_, class)| usize::from(*class) == text.lines().count() && *class < CONCEPT)
        );
    }

    #[test]
    fn two_names_are_apart_and_two_spellings_are_not() {
        let apart = |a: &str, b: &str| {
            let (a, b) = (Name::parse(a), Name::parse(b));
            super::apart((&a, &a.tokens[0]), (&b, &b.tokens[0]))
        };
        for (a, b) in [
            ("حسن", "حسين"),
            ("عمر", "عمرو"),
            ("أحمد", "محمد"),
            ("عبد الرحمن", "عبد الرحيم"),
            ("Abdul Karim", "Abdelkader"),
            ("Hassan", "Hussein"),
            ("Samir", "Samira"),
            ("سمير", "سميرة"),
            ("Мария", "Марина"),
            ("Евгений", "Евгения"),
            ("Александр", "Александра"),
            ("Abu Yusuf", "Umm Yusuf"),
            ("أبو يوسف", "أم يوسف"),
            ("Иванович", "Ивановна"),
        ] {
            assert!(apart(a, b) && apart(b, a), "{a} | {b}");
        }
        for (a, b) in [
            ("Hassan", "Hasan"),
            ("Muhammad", "Mohamed"),
            ("Sergei", "Sergey"),
            ("Иванов", "Иванова"),
            ("Ivanov", "Ivanova"),
            ("Белинский", "Белинская"),
            ("Alexander", "Sasha"),
            ("Abdul Rahman", "Abderrahmane"),
            ("Abdul Rahman", "Rahman"),
            ("Abu Yusuf", "Abou Youssef"),
            ("Zubayda", "Zubaida"),
            ("Marcus", "Marco"),
            ("Nikolaos", "Nikolas"),
            ("Jong", "Chong"),
        ] {
            assert!(!apart(a, b) && !apart(b, a), "{a} | {b}");
        }
    }

    #[test]
    fn concepts_of_bodies_are_apart_unless_they_are_near() {
        let token = |text: &str| Name::parse_as(crate::Kind::Organisation, text);
        let (iraq, iran, iranian) = (token("Iraq"), token("Iran"), token("Iranian"));
        assert!(apart((&iraq, &iraq.tokens[0]), (&iran, &iran.tokens[0])));
        assert!(!apart((&iranian, &iranian.tokens[0]), (&iran, &iran.tokens[0])));
    }
}
