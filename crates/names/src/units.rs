//! Marks where units of two and three letters begin in a name, once, so that aligning only looks up.

use crate::align::NO_UNIT;
use crate::name::Name;
use crate::tables;

/// Fills [`Name::units`]; token borders do not matter, so that two tokens can be read as one.
pub(crate) fn fill(name: &mut Name) {
    let tables = tables::tables();
    let Name { symbols, units: out, tokens, .. } = name;
    out.clear();
    out.resize(symbols.len(), [0, NO_UNIT, NO_UNIT, NO_UNIT]);
    let mut from = 0;
    for (number, token) in tokens.iter().enumerate() {
        let Some(units) = tables.units(token.script) else { continue };
        let end = tokens.get(number + 1).map_or(symbols.len(), |next| usize::from(next.start));
        let (Some(slots), Some(mut rest)) = (out.get_mut(from..end), symbols.get(from..)) else { continue };
        from = end;
        for slot in slots {
            let [first, after @ ..] = rest else { break };
            rest = after;
            let [_, one, two, three] = slot;
            *one = *first;
            let [second, beyond @ ..] = after else { break };
            let pair = units.pair(*first, *second);
            if pair != 0 {
                *two = pair;
                let triple = beyond.first().map_or(0, |third| units.triple(pair, *third));
                *three = if triple == 0 { NO_UNIT } else { triple };
            }
        }
    }
}
