use std::cell::RefCell;

use proptest::prelude::*;

use super::*;
use crate::structure;
use crate::{Kind, Script};

thread_local! {
    /// Used by all checks of a thread, so that it is full of other readings.
    static REMEMBERING: RefCell<Grid> = RefCell::new(Grid::remembering());
}

/// What the quick way gives, and what every cell of the alignment gives.
fn both_ways(a: &Piece<'_>, b: &Piece<'_>, share: i32) -> [Option<Aligned>; 2] {
    let tables = crate::tables::tables();
    let quick = align(tables, a, b, share, &mut Grid::new());
    // What is remembered, of this pair or of another, is what is found: asked twice, once from the other side.
    REMEMBERING.with_borrow_mut(|grid| {
        assert_eq!(align(tables, a, b, share, grid), quick, "{:?} {:?} {share}", a.symbols, b.symbols);
        assert_eq!(align(tables, b, a, share, grid), quick, "{:?} {:?} {share}", b.symbols, a.symbols);
    });
    let (a, b) = if in_order(a, b) { (a, b) } else { (b, a) };
    let search = Search::new(tables, a, b);
    let cap = search.cap;
    let floor = cap - (cap.max(i32::from(CAP_MIN)) * share / 1000 + 1);
    let cells = Cells::new(&search, tables);
    let end = search.end(|i, j| cells.at(i, j));
    let short = |value: i32| i16::try_from(value).unwrap();
    let whole = (cap > 0 && end >= floor).then(|| Aligned { cap: short(cap), loss: short(cap - end) });
    [quick, whole]
}

/// A word with an ending and a beginning that may be left out.
fn word(script: Script, symbols: &[Symbol], (skip, cost, tail): (u8, u8, u8)) -> Name {
    let mut name = structure::word(Kind::Person, script, symbols.to_vec());
    for token in &mut name.tokens {
        (token.skip, token.skip_cost, token.tail) = (skip, cost, tail);
    }
    name
}

fn check(a: &Name, b: &Name) {
    let (x, y) = (&a.tokens[0], &b.tokens[0]);
    let (pa, pb) = (Piece::token(a, x), Piece::token(b, y));
    for share in [850, 1235, 1800, 4000] {
        let [quick, whole] = both_ways(&pa, &pb, share);
        assert_eq!(quick, whole, "{:?} {:?} {share}", pa.symbols, pb.symbols);
    }
    // The same words in one name, read as one.
    let joined = Name { symbols: [&a.symbols[..], &b.symbols[..]].concat(), ..a.clone() };
    let next = Token { start: u16::from(x.len), ..y.clone() };
    if x.script == y.script && joined.symbols.len() < SIDE {
        let joined = Name { tokens: vec![x.clone(), next], ..joined };
        let mut filled = joined.clone();
        crate::units::fill(&mut filled);
        let [quick, whole] =
            both_ways(&Piece::joined(&filled, &filled.tokens[0], &filled.tokens[1]), &pb, 1235);
        assert_eq!(quick, whole, "{:?} {:?} joined", filled.symbols, pb.symbols);
    }
}

#[test]
fn words_as_they_are_written_give_the_same_both_ways() {
    let words = [
        "Abdelhamid",
        "Abd al-Hamid",
        "عبد الحميد",
        "Абдельхамид",
        "Benachour",
        "بن عاشور",
        "Schtscherbakowa",
        "Щербакова",
        "Shcherbakov",
        "Michelle",
        "Ielleri",
        "Schneider",
        "נתניהו",
        "Netanyahu",
        "Chiche",
        "Иванова",
        "Ivanov",
        "김정은",
        "クリス",
        "Kristina",
        "Nguyễn",
        "Xavier",
        "Zsuzsanna",
        "Wojciechowska",
    ];
    let names: Vec<Name> = words.iter().map(|word| Name::parse(word)).collect();
    for a in &names {
        for b in &names {
            check(a, b);
        }
    }
}

fn script_and_symbols() -> impl Strategy<Value = (Script, Vec<Symbol>)> {
    prop::sample::select(Script::ALL.to_vec()).prop_flat_map(|script| {
        let letters = u8::try_from(crate::script::alphabet(script).chars().count()).unwrap();
        (Just(script), prop::collection::vec(1..=letters, 1..30))
    })
}

/// Another spelling: letters left out, put in, changed.
fn changed(symbols: &[Symbol], changes: &[(usize, Symbol, u8)]) -> Vec<Symbol> {
    let mut out = symbols.to_vec();
    for (at, symbol, what) in changes {
        let at = at % out.len();
        match what {
            0 if out.len() > 1 => {
                out.remove(at);
            }
            1 if out.len() < 29 => out.insert(at, *symbol),
            _ => out[at] = *symbol,
        }
    }
    out
}

#[test]
fn a_reading_is_remembered_with_all_it_depends_on() {
    let tables = crate::tables::tables();
    let mut grid = Grid::remembering();
    let (a, b) = (Name::parse("Ivanova"), Name::parse("Ivanov"));
    let (x, y) = (Piece::token(&a, &a.tokens[0]), Piece::token(&b, &b.tokens[0]));
    let others = [
        Piece { tail: 0, ..x },
        Piece { skip: 2, cost: 6, ..x },
        Piece { skip: 2, cost: 40, ..x },
        Piece { skip: 1, cost: 40, ..x },
    ];
    for x in [x].iter().chain(&others) {
        for share in [850, 1235] {
            let fresh = align(tables, x, &y, share, &mut Grid::new());
            assert_eq!(align(tables, x, &y, share, &mut grid), fresh);
            let key = grid.memory.key(&y, x, share).unwrap();
            assert_eq!(grid.memory.recall(&key), Some(fresh), "the reading was remembered");
        }
    }
    assert!(Grid::new().memory.key(&y, &x, 850).is_none(), "without places nothing is");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn strangers_give_the_same_both_ways(
        a in script_and_symbols(),
        b in script_and_symbols(),
        ends in prop::array::uniform2((0_u8..4, 0_u8..40, 0_u8..2)),
    ) {
        check(&word(a.0, &a.1, ends[0]), &word(b.0, &b.1, ends[1]));
    }

    #[test]
    fn spellings_give_the_same_both_ways(
        a in script_and_symbols(),
        changes in prop::collection::vec((0_usize..30, 1_u8..26, 0_u8..3), 0..6),
        ends in prop::array::uniform2((0_u8..4, 0_u8..40, 0_u8..2)),
    ) {
        let other = changed(&a.1, &changes);
        check(&word(a.0, &a.1, ends[0]), &word(a.0, &other, ends[1]));
    }
}

#[test]
fn a_unit_of_two_symbols_that_was_never_seen_gives_less_than_its_symbols() {
    // What the quick way leaves out rests on this.
    let tables = crate::tables::tables();
    for low in Script::ALL {
        for high in Script::ALL.into_iter().filter(|high| low <= *high) {
            let bits = tables.bits(low, high);
            let count = |script| crate::script::alphabet(script).chars().count();
            for a in 0..=count(low) {
                for b in 0..=count(high) {
                    let one = i32::from(bits[a * 256 + b]);
                    assert!(
                        (a, b) == (0, 0) || 2 * one > i32::from(NEVER),
                        "{low:?} {high:?} {a} {b}: {one}"
                    );
                }
            }
        }
    }
}
