//! Words that are not names by themselves: articles, filiation, titles, kunya and legal forms, in every script.
//!
//! Sources: MADAEF and ALA-LC tables for Arabic particles; the Swiss FDFA naming notes and UK Home Office
//! "A guide to names and naming practices" (2006) for titles and filiation; the legal forms are those of
//! ISO 20275 (entity legal forms) most seen on published lists. What this does not do: place them (see `structure`).

use std::sync::LazyLock;

use crate::hashed::Hashed;
use crate::script::{Script, Symbol};

/// What a word of the lexicon does in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// "Servant of": Abd, with or without article.
    Abd,
    /// "Father of", "mother of": the kunya.
    Abu,
    /// The Arabic article, alone or assimilated.
    Article,
    /// "(Of) the religion": al-Din, Eddine.
    Din,
    /// Son or daughter of, before the father's name.
    Filiation,
    /// Son or daughter of, after the father's name (Turkic).
    FiliationAfter,
    /// The form of a company or body.
    LegalForm,
    /// von, de, van, le …
    Nobiliary,
    /// Jr, Sr, III.
    Suffix,
    /// Mr, Sheikh, Dr, Colonel …
    Title,
    /// Allah as the second part of a name.
    Ullah,
}

const WORDS: &[(Function, &str)] = &[
    (
        Function::Abd,
        "abd abdul abdel abdal abdol abdoul abdil abdu abdou abed abdool abdoel abdus abdur abdush abdut abdud abdun abduz abder abdes abdech abden abdeb عبد абд абду абдул абдуль абдел абдель абдал абдаль абдол абдур абдус абдуш абдун абдут абдуз",
    ),
    (
        Function::Abu,
        "abu abou abo aboul abul abi aba bou أبو ابو أبي ابي أبا ابا بو ابوال абу аби абд-уль umm oum um om أم ام умм ум",
    ),
    (
        Function::Article,
        "al el ul ال аль эль уль ал эл ад ас аш ат ан ар аз ess ech esh ash ach ed ar er en et ez as az an at ad es ud us ur un ut uz ush ol il",
    ),
    (
        Function::Din,
        "din dine deen eddine addine eddin uddin uddine aldin aldeen الدين الدین ддин дин эддин эддине уддин аддин",
    ),
    (
        Function::Filiation,
        "ben bin ibn bn ibni ould wuld wald weld walad bint bent binti binte بن ابن إبن بنت ولد ولید бен бин ибн бинт улд ульд вульд בן בת bat bar mac mc fitz ap آل",
    ),
    (
        Function::FiliationAfter,
        "oglu ogly oghlu uulu qizi kizi kyzy gizi zade zadeh zada оглы оглу улы уулу кызы гызы кизи угли زاده",
    ),
    (
        Function::LegalForm,
        // What the table of forms writes in their place, and forms that stand in no phrase.
        "llc jsc fsue fsbi llp kgaa pt pty sdn bhd tbk",
    ),
    (
        Function::Nobiliary,
        "de da do dos das del della dello delle di du des von van der den het ter ten zu zur zum vom af av le la les los las y e i lo فون فان دی دي دو دا لا ل دل فن ون фон ван де да ди дю дос дер ден ла ле дель фан ტე φον ντε פון ואן דה די פאן ван дер da' of the",
    ),
    (Function::Suffix, "jr sr junior senior ii iii iv jnr snr vi vii viii ix xi xii младший старший мл ст"),
    (
        Function::Title,
        "mr mrs ms miss dr prof professor sir dame lord lady hon rt honourable honorable rev reverend fr father sister brother president minister general gen colonel col major maj captain capt lt lieutenant sgt sheikh shaykh sheik cheikh shaikh sheikha shaikha sheykh haji hajji hadji hajj hadj alhaji hajja mullah mulla maulana mawlana maulavi maulvi mawlawi molvi mufti qari hafiz ustad ustadh sayyid sayyed seyyed sayed syed seyed sidi moulay mulay lalla emir amir prince princess king queen emperor pope saint st sultan baron baroness count comte graf freiherr duke duchess earl marquis marquess marchioness viscount viscountess countess baronet duque duquesa conde condesa marques marquesa vizconde visconde infante infanta duc duchesse comtesse vicomte herzog herzogin grafin furst furstin duca duchessa conte contessa marchese hertog hertogin hertig hertug greve senator dato datuk tan sri seri tun tengku tunku datin puan encik imam ayatollah hojatoleslam engineer eng ing señor senor senora herr frau monsieur madame m mme mlle akhund akhundzada khan agha bey pasha hafiz الشيخ شيخ الحاج حاج حاجي الدكتور دكتور د السيد سيد السيدة الأمير أمير الأميرة الملك الإمام ملا مولوي مولانا سيدي مولاي الاستاذ المهندس العقيد العميد اللواء الفريق شیخ حاجی سید دکتر مهندس آیت آیت‌الله حجت ملا مولوی آقا خانم сэр лорд леди барон граф князь принц доктор шейх хаджи мулла сеид генерал полковник д-р г-н ד״ר דר רב הרב סר לורד 爵士 博士 先生 夫人 女士 씨 박사",
    ),
    (Function::Ullah, "allah ullah ollah oullah alla الله اللہ алла аллах улла уллах олла"),
];

/// Functions by the hash of the word. The first function listed for a word wins.
static FUNCTIONS: LazyLock<Hashed<Option<Function>>> = LazyLock::new(|| {
    let mut entries: Vec<(u64, Option<Function>)> = Vec::new();
    for (function, list) in WORDS {
        let words = list.split_whitespace().filter_map(crate::training::symbols);
        entries.extend(words.map(|(script, symbols)| (hash(script, &symbols), Some(*function))));
    }
    Hashed::new(entries.into_iter())
});

/// FNV-1a over script and symbols.
pub(crate) fn hash(script: Script, symbols: &[Symbol]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ (script.index() as u64);
    symbols.iter().fold(start, |h, s| further(h, *s))
}

/// The hash of one symbol more.
pub(crate) fn further(hash: u64, symbol: Symbol) -> u64 {
    (hash ^ u64::from(symbol)).wrapping_mul(0x0100_0000_01b3)
}

/// Titles that stand after the name (Karim Khan, Omar Agha, كريم خان).
const FOLLOWING: &str = "khan agha aga bey beg bek pasha haji hajji mullah akhund akhundzada qari hafiz effendi hanim خان آغا اغا بيك باشا أفندي پاشا хан ага бек";

static FOLLOWING_SORTED: LazyLock<Vec<u64>> = LazyLock::new(|| sorted(FOLLOWING));

fn sorted(list: &str) -> Vec<u64> {
    let words = list.split(' ').filter_map(crate::training::symbols);
    let mut list: Vec<u64> = words.map(|(script, symbols)| hash(script, &symbols)).collect();
    list.sort_unstable();
    list
}

/// True for a title that may stand after the name.
pub(crate) fn follows(script: Script, symbols: &[Symbol]) -> bool {
    FOLLOWING_SORTED.binary_search(&hash(script, symbols)).is_ok()
}

/// Titles whose bearers are called by a land or a house: what follows them is not part of the name they were given.
const NOBLE: &str = "baron baroness duke duchess earl marquis marquess marchioness viscount viscountess count countess prince princess king queen emperor lord lady baronet duque duquesa conde condesa marques marquesa vizconde visconde infante infanta duc duchesse comte comtesse vicomte herzog herzogin graf grafin furst furstin freiherr duca duchessa conte contessa marchese hertog hertogin hertig hertug greve";

static NOBLE_SORTED: LazyLock<Vec<u64>> = LazyLock::new(|| sorted(NOBLE));

/// True for a title of nobility.
pub(crate) fn noble(script: Script, symbols: &[Symbol]) -> bool {
    NOBLE_SORTED.binary_search(&hash(script, symbols)).is_ok()
}

/// Returns what a word does, if it is in the lexicon.
pub(crate) fn function(script: Script, symbols: &[Symbol]) -> Option<Function> {
    if symbols.len() > 18 {
        return None;
    }
    FUNCTIONS.get(hash(script, symbols)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn of(word: &str) -> Option<Function> {
        let words = text::words(word);
        let first = words.words.first().unwrap();
        function(first.script, words.of(first))
    }

    #[test]
    fn particles_of_every_script_are_known() {
        assert_eq!(of("بن"), Some(Function::Filiation));
        assert_eq!(of("Abdul"), Some(Function::Abd));
        assert_eq!(of("LLC"), Some(Function::LegalForm));
        assert_eq!(of("Cheikh"), Some(Function::Title));
        assert_eq!(of("Mohamed"), None);
    }
}
