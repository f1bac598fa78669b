//! Marks where units of two and three letters begin in a name, once, so that aligning only looks up.

use crate::align::NO_UNIT;
use crate::name::Name;
use crate::present::Present;
use crate::tables;

/// Fills [`Name::units`]; token borders do not matter there, so that two tokens can be read as one. What a token holds by
/// itself is noted in [`Token::present`](crate::name::Token).
pub(crate) fn fill(name: &mut Name) {
    mark(name);
    let Name { units, tokens, .. } = name;
    for token in tokens {
        token.present = Present::of(units.get(token.range()).unwrap_or_default());
    }
}

/// Fills the units of a name whose tokens know what they hold.
pub(crate) fn mark(name: &mut Name) {
    let tables = tables::tables();
    let Name { symbols, units: out, tokens, .. } = name;
    out.clear();
    out.resize(symbols.len(), [0, NO_UNIT, NO_UNIT, NO_UNIT]);
    let mut from = 0;
    for (number, token) in tokens.iter().enumerate() {
        let end = tokens.get(number + 1).map_or(symbols.len(), |next| usize::from(next.start));
        let Some(units) = tables.units(token.script) else { continue };
        let (Some(slots), Some(mut rest)) = (out.get_mut(from..end), symbols.get(from..)) else { continue };
        from = end;
        // Nearly every second place begins a longer unit: nothing here is decided by branches.
        for slot in slots.iter_mut() {
            let [first, after @ ..] = rest else { break };
            rest = after;
            let [second, beyond @ ..] = after else {
                *slot = [0, *first, NO_UNIT, NO_UNIT];
                break;
            };
            let pair = units.pair(*first, *second);
            let triple = units.triple(pair, beyond.first().copied().unwrap_or(0));
            *slot = [0, *first, pair, triple];
        }
    }
}
