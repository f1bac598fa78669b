//! Marks where units of two and three letters begin in a name, once, so that aligning only looks up.

use crate::name::Name;
use crate::tables;

/// Fills [`Name::pairs`] and [`Name::triples`]; token borders do not matter, so that two tokens can be read as one.
pub(crate) fn fill(name: &mut Name) {
    let tables = tables::tables();
    let count = name.symbols.len();
    let (mut pairs, mut triples) = (std::mem::take(&mut name.pairs), std::mem::take(&mut name.triples));
    pairs.clear();
    pairs.resize(count, 0);
    triples.clear();
    triples.resize(count, 0);
    let mut script = name.tokens.first().map(|t| t.script);
    let mut borders = name.tokens.iter().peekable();
    for at in 0..count {
        while let Some(token) = borders.next_if(|t| usize::from(t.start) <= at) {
            script = Some(token.script);
        }
        let (Some(script), Some(a), Some(b)) = (script, name.symbols.get(at), name.symbols.get(at + 1))
        else {
            continue;
        };
        let pair = tables.pair_unit(script, *a, *b);
        let triple = match name.symbols.get(at + 2) {
            Some(c) if pair != 0 => tables.triple_unit(script, pair, *c),
            _ => 0,
        };
        if let (Some(p), Some(t)) = (pairs.get_mut(at), triples.get_mut(at)) {
            *p = pair;
            *t = triple;
        }
    }
    name.pairs = pairs;
    name.triples = triples;
}
