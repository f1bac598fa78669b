//! `mithaq names index search`: names first, then what else is known, over all who bear the name.

use clap::Args;
use mithaq_model::Lang;
use mithaq_name_index::{Hit, Index, Scratch, SearchOptions};
use mithaq_names::{Details, Explanation, Kind, Likeness, Name, Reason, ReasonCode, Scorer};
use serde_json::{Value as Json, json};

use super::failure;
use crate::names::card::Card;
use crate::names::details::Known;
use crate::names::words::{self, fill};
use crate::names::{IndexDir, KindArg, kind_code, likeness_json, reasons_json, rounded};
use crate::ui::{Failure, Ui, shown};

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Name, in any script
    name: String,
    #[command(flatten)]
    dir: IndexDir,
    /// Only persons, organisations or places
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Most hits shown
    #[arg(long, default_value_t = 10, value_parser = crate::names::at_least_one)]
    limit: usize,
    /// Hits less probable than this among all names of the index are left out, 0 to 1 [default: 0.02; when none reaches
    /// it, those that agree in every word that was given are shown]
    #[arg(long, value_name = "PROBABILITY", value_parser = crate::names::probability)]
    min: Option<f32>,
    #[command(flatten)]
    known: Known,
    /// Say why
    #[arg(long)]
    explain: bool,
}

/// Names of a segment that are compared whole when more than the name is known: whoever bears a name that thousands
/// bear is told apart by what else is known, and only if all of them are weighed.
const NAMESAKES: usize = 10_000;

/// Hits less probable than this are left out unless the caller says otherwise.
const LEAST: f32 = 0.02;

impl SearchArgs {
    fn least(&self) -> f32 {
        self.min.unwrap_or(LEAST)
    }
}

/// A hit with what is weighed of it.
struct Weighed {
    hit: Hit,
    likeness: Likeness,
    card: Option<Card>,
    details: Details,
}

/// What a search came to.
struct Outcome {
    best: Vec<Weighed>,
    /// Records that reach the least probability, shown or not.
    reached: usize,
    compared: usize,
    /// More may bear the name than were compared.
    cut: bool,
    /// None reaches the least probability; those that agree in every word that was given stand in their place.
    every_word: bool,
}

pub(super) fn run(args: &SearchArgs, ui: Ui) -> Result<(), Failure> {
    let started = std::time::Instant::now();
    let index = Index::open(&args.dir.index).map_err(failure)?;
    let asked = args.known.read()?;
    crate::names::parse(Kind::Person, &args.name)?;
    let found = find(&index, args, &asked)?;
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for one in &found.best {
        let matched = index.spelling(&one.hit).map_err(failure)?.unwrap_or_default();
        let why = args.explain.then(|| why(one, &matched, args, &asked));
        rows.push(row(one, &matched, why.as_ref()));
        lines.extend(text(one, &matched, why.as_ref(), ui.lang));
    }
    if found.reached == 0 {
        let sentence = if found.every_word { &words::EVERY_WORD } else { &words::NOBODY };
        lines.push(fill(sentence, ui.lang, &[&args.least().to_string()]));
    }
    lines.extend(bounds(&found, args, ui.lang));
    ui.say(&format!(
        "{} {} in {:.1} ms",
        rows.len(),
        if rows.len() == 1 { "hit" } else { "hits" },
        started.elapsed().as_secs_f64() * 1000.0
    ));
    let json = json!({
        "query": args.name, "hits": rows, "reached": found.reached, "compared": found.compared,
        "complete": !found.cut, "every_word": found.every_word,
    });
    ui.result(&json, &lines)
}

/// Weighs what is known over all who may bear the name, and only then takes the best.
fn find(index: &Index, args: &SearchArgs, asked: &Details) -> Result<Outcome, Failure> {
    let usual = SearchOptions::default().candidates.max(args.limit.saturating_mul(2));
    let candidates = if args.known.is_empty() { usual.min(NAMESAKES) } else { NAMESAKES };
    let options = SearchOptions { limit: usize::MAX, candidates, probability_min: 0.0 };
    let kinds =
        args.kind.map_or(vec![Kind::Person, Kind::Organisation, Kind::Place], |kind| vec![kind.into()]);
    let mut out = Outcome { best: Vec::new(), reached: 0, compared: 0, cut: false, every_word: false };
    let (mut hits, mut scratch) = (Vec::new(), Scratch::default());
    for kind in kinds {
        let query = Name::parse_as(kind, &args.name);
        let answer = index.search_fully(&query, options, &mut scratch).map_err(failure)?;
        out.compared += answer.compared;
        out.cut |= answer.cut;
        hits.extend(answer.hits);
    }
    let mut weighed = weigh(index, hits, args, asked)?;
    let order = |x: &Weighed, y: &Weighed| {
        y.likeness.bits.total_cmp(&x.likeness.bits).then_with(|| x.hit.id.cmp(&y.hit.id))
    };
    weighed.sort_by(order);
    out.reached = weighed.partition_point(|one| one.likeness.probability >= args.least());
    if out.reached == 0 && args.min.is_none() {
        agreeing(index, &mut weighed, args)?;
        out.every_word = !weighed.is_empty();
    } else {
        weighed.truncate(out.reached.min(args.limit));
    }
    out.best = weighed;
    Ok(out)
}

/// Keeps the first of those that agree in every word of the query: a rare family name alone tells of nobody for sure,
/// and whoever asks for it wants to see who bears it.
fn agreeing(index: &Index, weighed: &mut Vec<Weighed>, args: &SearchArgs) -> Result<(), Failure> {
    let scorer = Scorer::new();
    let none = Details::default();
    let mut kept = Vec::new();
    for one in weighed.drain(..).take(args.limit.max(SearchOptions::default().candidates)) {
        let matched = index.spelling(&one.hit).map_err(failure)?.unwrap_or_default();
        let name = |text: &str| Name::parse_as(one.hit.kind, text);
        let why = scorer.explain(&name(&args.name), &name(&matched), &none, &none);
        let missing = |reason: &Reason| matches!(reason.code, ReasonCode::Left(_)) && !reason.a.is_empty();
        let agrees = one.likeness.bits > LEAST_BITS && !why.reasons.iter().any(missing);
        if agrees && kept.len() < args.limit {
            kept.push(one);
        }
    }
    *weighed = kept;
    Ok(())
}

/// Below this something speaks against a hit that agrees in every word, or its words only resemble those of the query.
const LEAST_BITS: f32 = -12.0;

/// Reads the notes of the hits and weighs what they say; without anything to weigh, only of those that may be shown.
fn weigh(index: &Index, hits: Vec<Hit>, args: &SearchArgs, asked: &Details) -> Result<Vec<Weighed>, Failure> {
    let likely = hits.iter().any(|hit| hit.likeness.probability >= args.least());
    let all = !args.known.is_empty() || !likely;
    let wanted = |hit: &&Hit| all || hit.likeness.probability >= args.least();
    let hits: Vec<&Hit> = hits.iter().filter(wanted).collect();
    let notes = index.notes(hits.iter().map(|hit| hit.id.as_str())).map_err(failure)?;
    let scorer = Scorer::new();
    let weigh = |hit: &&Hit| {
        let card = notes.get(hit.id.as_str()).map(|note| Card::read(note)).transpose()?;
        let details = card.as_ref().map(Card::details).unwrap_or_default();
        let likeness = scorer.weigh(hit.pair, hit.likeness, asked, &details);
        Ok(Weighed { hit: (*hit).clone(), likeness, card, details })
    };
    hits.iter().map(weigh).collect()
}

/// Says what was left out, when something was.
fn bounds(found: &Outcome, args: &SearchArgs, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    if found.reached > found.best.len() {
        let counts = [found.reached.to_string(), args.least().to_string(), found.best.len().to_string()];
        lines.push(fill(&words::MORE, lang, &counts.each_ref().map(String::as_str)));
    }
    if found.cut && (!args.known.is_empty() || found.compared <= args.limit) {
        lines.push(fill(&words::CUT, lang, &[&found.compared.to_string()]));
    }
    lines
}

fn row(one: &Weighed, matched: &str, why: Option<&Explanation>) -> Json {
    let mut json = likeness_json(&one.likeness);
    let card = one.card.clone().unwrap_or_else(|| Card::named(&one.hit.id, one.hit.kind, matched));
    if let Json::Object(fields) = &mut json {
        fields.insert("id".into(), one.hit.id.clone().into());
        fields.insert("kind".into(), kind_code(one.hit.kind).into());
        fields.insert("pair_probability".into(), rounded(one.hit.pair.probability).into());
        fields.insert("chance".into(), rounded(one.hit.chance).into());
        fields.insert("matched".into(), matched.into());
        fields.insert("record".into(), serde_json::to_value(card).unwrap_or_default());
        if let Some(why) = why {
            fields.insert("reasons".into(), reasons_json(why));
        }
    }
    json
}

fn why(one: &Weighed, matched: &str, args: &SearchArgs, asked: &Details) -> Explanation {
    let name = |text: &str| Name::parse_as(one.hit.kind, text);
    let pair = Scorer::new().explain(&name(&args.name), &name(matched), asked, &one.details);
    pair.among(one.likeness, one.hit.chance)
}

/// Begins a further line of a hit.
const INDENT: &str = "                ";

fn text(one: &Weighed, matched: &str, why: Option<&Explanation>, lang: Lang) -> Vec<String> {
    let none = Card::default();
    let card = one.card.as_ref().unwrap_or(&none);
    let first = card.names.first().map_or(matched, |name| name.text.as_str());
    let (band, id) = (one.likeness.band.code(), shown(&one.hit.id));
    let mut lines = vec![format!("{band:<9} {:.2}  {id:<12}  {}", one.likeness.probability, shown(first))];
    let quality = card.names.iter().find(|name| name.text == matched).map(|name| name.quality.as_str());
    if first != matched {
        let matched = shown(matched);
        let alias = quality.filter(|q| !q.is_empty());
        let alias = alias.map(|quality| fill(&words::ALIAS, lang, &[&matched, &shown(quality)]));
        let by = fill(&words::BY, lang, &[alias.as_deref().unwrap_or(&matched)]);
        lines.push(format!("{INDENT}{by}"));
    }
    let facts = [
        (&words::BORN, card.born.join("; ")),
        (&words::AT, card.places.join("; ")),
        (&words::DOCUMENT, card.documents.join("; ")),
        (&words::NATIONALITY, card.nationalities.join("; ")),
        (&words::SEX, card.sex.clone()),
    ];
    for (what, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        lines.push(format!("{INDENT}{}", fill(what, lang, &[&shown(value)])));
    }
    if let Some(why) = why {
        let reasons = words::explanation(why, lang);
        lines.extend(reasons.iter().skip(1).map(|line| format!("{INDENT}{}", shown(line))));
    }
    lines
}

#[cfg(test)]
mod tests;
