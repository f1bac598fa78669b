//! Everyday forms of given names that no spelling rule explains: Bill and William, Саша and Александр.
//!
//! One line a name; any two words of a line may stand for one person. Common knowledge of the languages, not
//! taken from a data set. What this module deliberately does not do: list spellings (the tables know those) or
//! beginnings (Alex, Alexander; see `matching`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::concepts;
use crate::hashed::Hashed;
use crate::keys;
use crate::lexicon;
use crate::training;

const GROUPS: &[&str] = &[
    "abigail abby gail",
    "albert bert al",
    "alexander alex sasha sacha sandro alejandro aleksandr саша шура александр",
    "alexei alexey alyosha lyosha алексей алеша леша",
    "alfred fred freddie",
    "andrew andy drew",
    "anthony tony antonio toni",
    "anastasia nastya анастасия настя",
    "benjamin ben bibi benny",
    "charles charlie chuck",
    "christopher chris kit",
    "concepcion concha conchita",
    "daniel dan danny",
    "david dave davey",
    "dmitry dmitri dima mitya дмитрий дима митя",
    "dolores lola",
    "donald don donnie",
    "edward ed eddie ted ned eduardo",
    "elizabeth beth betty liz lisa bess eliza",
    "ekaterina katya екатерина катя",
    "evgeny yevgeny zhenya евгений женя",
    "francis frank fran francisco paco pancho curro",
    "frederick fred freddy",
    "gabriel gabi gabe",
    "gennady gena геннадий гена",
    "george georgie jorge",
    "gregory greg григорий гриша grisha grigory",
    "guadalupe lupe",
    "gustav gus",
    "harold harry hal",
    "heinrich heinz",
    "henry harry hank",
    "ignacio nacho",
    "ivan vanya иван ваня",
    "jacob jake",
    "james jim jimmy jamie",
    "jesus chucho",
    "johann johannes hans",
    "john jack johnny",
    "jonathan jon jonny",
    "jose pepe",
    "joseph joe joey",
    "joshua josh",
    "katherine catherine kate kathy katie cathy",
    "kenneth ken kenny",
    "lawrence larry",
    "leonard len lenny leo",
    "leonid lyonya леонид леня",
    "lyudmila lyuda mila людмила люда",
    "manuel manolo",
    "margaret maggie meg peggy",
    "maria masha мария маша",
    "matthew matt",
    "michael mike mick mickey",
    "mikhail misha михаил миша",
    "natalya natasha наталья наташа",
    "nicholas nick nicky",
    "nikolai kolya николай коля",
    "olga olya ольга оля",
    "patrick pat paddy",
    "pavel pasha павел паша",
    "peter pete",
    "philip phil",
    "pyotr petya петр петя",
    "ramon moncho",
    "raymond ray",
    "rebecca becky",
    "richard dick rick richie rich",
    "robert bob bobby rob robbie bert",
    "roberto beto",
    "ronald ron ronnie",
    "rosario charo",
    "samuel sam sammy",
    "sergei seryozha сергей сережа",
    "stephen steven steve stevie",
    "susan sue suzy",
    "svetlana sveta светлана света",
    "tatyana tanya татьяна таня",
    "theodore ted teddy theo",
    "thomas tom tommy",
    "timothy tim timmy",
    "victoria vicky",
    "vladimir volodya vova владимир володя вова",
    "walter walt wally",
    "william bill billy will willie",
    "wilhelm willi willy",
    "yuri yura юрий юра",
    "mehmet memo",
    "ibrahim ibo brahim",
    "abdelkader kader abdulkader",
    "mohamed hamada moha hamoudi mohand",
    "mustafa mosta",
    "fatima fatma fatou fatoumata fatna",
    // One name in the languages of Europe and the Near East: rulers, saints and prophets are called so.
    "john juan jean giovanni johann joao jan ian иоанн يوحنا",
    "paul pablo paolo paulo pavel pol pal павел بولس",
    "peter pedro pierre pietro petr piotr pyotr pieter петр بطرس",
    "william guillermo guillaume guglielmo wilhelm willem guilherme vilem vilmos",
    "charles carlos carlo karl karel karol",
    "henry enrique henri enrico heinrich hendrik henrique jindrich henryk",
    "louis luis ludwig luigi ludovico lodewijk lajos ludovic ludvik",
    "james jaime jacques giacomo jakob jacobo santiago diego tiago",
    "philip felipe philippe filippo filip filipe philipp филипп",
    "francis francisco francois francesco franz frans frantisek ferenc franciszek",
    "catherine catalina caterina katharina ekaterina catarina katarina катерина",
    "elizabeth isabel isabella elisabetta elisabeth elisabet erzsebet елизавета",
    "mary maria marie miriam maryam meryem мария مريم",
    "anne ana anna ann hannah hana анна",
    "margaret margarita marguerite margherita margarethe margareta малгожата",
    "frederick federico friedrich frederic frederik fryderyk frederico",
    "stephen esteban etienne stefano stefan istvan estevao szczepan степан",
    "joseph jose giuseppe josef jozef jozsef yusuf yousef iosif иосиф يوسف",
    "george jorge georges giorgio georg gyorgy jerzy jiri georgi георгий",
    "edward eduardo edouard eduard edoardo",
    "ferdinand fernando ferrante fernand",
    "alphonse alfonso alfons afonso",
    "lawrence lorenzo laurent laurentius lourenco",
    "matthew mateo matthieu matteo mattias mateus matthaus матвей",
    "michael miguel michel michele mikhail mihail mihaly michal mikael михаил ميخائيل",
    "nicholas nicolas niccolo nikolai nikolaus nicola mikolaj miklos николай",
    "andrew andres andre andrea andreas andrei andrzej andras ondrej андрей",
    "anthony antonio antoine anton antal antoni антон",
    "abraham ibrahim avraham ابراهيم абрам",
    "solomon suleiman sulayman salomon shlomo سليمان",
    "david davud dawud daoud داود дауд",
    "moses moises musa moussa moshe mose موسى муса",
    "isaac isaak ishaq yitzhak itzhak اسحاق исаак",
    "jacob yaqub yaakov jakub yakov giacobbe يعقوب яков",
];

/// By the hash of a word the first two lines it stands in (counted from 1).
static LINES: LazyLock<Hashed<[u8; 2]>> = LazyLock::new(|| {
    let mut out: BTreeMap<u64, [u8; 2]> = BTreeMap::new();
    for (line, group) in (1_u8..).zip(GROUPS) {
        for (script, symbols) in group.split(' ').filter_map(training::symbols) {
            let [first, second] = out.entry(lexicon::hash(script, &symbols)).or_default();
            let free = if *first == 0 || *first == line { first } else { second };
            *free = if *free == 0 { line } else { *free };
        }
    }
    Hashed::new(out.into_iter())
});

/// Returns up to two lines a word stands in, 0 where there is none.
pub(crate) fn groups(hash: u64) -> [u8; 2] {
    LINES.get(hash).unwrap_or_default()
}

/// Coarse skeletons of the words of every line, by line (counted from 1).
static SKELETONS: LazyLock<Vec<Vec<u64>>> = LazyLock::new(|| {
    let coarse = |word: &str| training::symbols(word).map(|(script, s)| keys::skeletons(script, &s).coarse);
    GROUPS.iter().map(|group| group.split(' ').filter_map(coarse).collect()).collect()
});

/// Returns the coarse skeletons of all words that share a line, those of near concepts too.
pub(crate) fn skeletons(lines: [u8; 2]) -> impl Iterator<Item = u64> {
    let of = |line: u8| {
        let known = usize::from(line).checked_sub(1).and_then(|at| SKELETONS.get(at));
        known.map_or_else(|| concepts::skeletons(line), Vec::as_slice)
    };
    lines.into_iter().flat_map(of).copied()
}

/// True when two words share a line.
pub(crate) fn share(a: [u8; 2], b: [u8; 2]) -> bool {
    a.iter().any(|line| *line != 0 && b.contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_forms_share_a_line() {
        let of = |word: &str| {
            training::symbols(word).map(|(script, s)| groups(lexicon::hash(script, &s))).unwrap()
        };
        assert!(share(of("Bill"), of("William")));
        assert!(share(of("Саша"), of("Alexander")));
        assert!(!share(of("Bill"), of("Robert")));
        assert!(GROUPS.len() < 128, "lines from 128 on are those of near concepts");
    }
}
