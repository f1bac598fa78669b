//! Everyday forms of given names that no spelling rule explains: Bill and William, Саша and Александр.
//!
//! One line a name; any two words of a line may stand for one person. Common knowledge of the languages, not
//! taken from a data set. What this module deliberately does not do: list spellings (the tables know those) or
//! beginnings (Alex, Alexander; see `matching`).

use std::sync::LazyLock;

use crate::keys;
use crate::lexicon;
use crate::script::{Script, Symbol};
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
];

/// Hashes of the words and the line they stand in (counted from 1), sorted; a word may stand in several lines.
static SORTED: LazyLock<Vec<(u64, u8)>> = LazyLock::new(|| {
    let mut out = Vec::new();
    for (line, group) in (1_u8..).zip(GROUPS) {
        let words = group.split(' ').filter_map(training::symbols);
        out.extend(words.map(|(script, symbols)| (lexicon::hash(script, &symbols), line)));
    }
    out.sort_unstable();
    out
});

/// Returns up to two lines a word stands in, 0 where there is none.
pub(crate) fn groups(script: Script, symbols: &[Symbol]) -> [u8; 2] {
    let hash = lexicon::hash(script, symbols);
    let first = SORTED.partition_point(|entry| entry.0 < hash);
    let mut found = SORTED.iter().skip(first).take_while(|entry| entry.0 == hash).map(|entry| entry.1);
    [found.next().unwrap_or(0), found.next().unwrap_or(0)]
}

/// Coarse skeletons of the words of every line, by line (counted from 1).
static SKELETONS: LazyLock<Vec<Vec<u64>>> = LazyLock::new(|| {
    let coarse = |word: &str| training::symbols(word).map(|(script, s)| keys::skeletons(script, &s).coarse);
    GROUPS.iter().map(|group| group.split(' ').filter_map(coarse).collect()).collect()
});

/// Returns the coarse skeletons of all words that share a line.
pub(crate) fn skeletons(lines: [u8; 2]) -> impl Iterator<Item = u64> {
    let of = |line: u8| usize::from(line).checked_sub(1).and_then(|at| SKELETONS.get(at));
    lines.into_iter().filter_map(of).flatten().copied()
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
        let of =
            |word: &str| training::symbols(word).map(|(script, symbols)| groups(script, &symbols)).unwrap();
        assert!(share(of("Bill"), of("William")));
        assert!(share(of("Саша"), of("Alexander")));
        assert!(!share(of("Bill"), of("Robert")));
        assert!(GROUPS.len() < 250);
    }
}
