//! The one table of a measurement: a row a measure, a column an engine.

use std::fmt;

use serde_json::Value;

/// Rows in the order in which they came, and the engines seen.
#[derive(Debug, Default)]
pub(super) struct Table {
    engines: Vec<String>,
    rows: Vec<(String, Vec<(usize, String)>)>,
}

impl Table {
    /// A value of an engine.
    pub(super) fn put(&mut self, measure: &str, engine: &str, value: String) {
        let known = self.engines.iter().position(|other| other == engine);
        let column = known.unwrap_or_else(|| {
            self.engines.push(engine.to_owned());
            self.engines.len() - 1
        });
        match self.rows.iter_mut().find(|row| row.0 == measure) {
            Some(row) => row.1.push((column, value)),
            None => self.rows.push((measure.to_owned(), vec![(column, value)])),
        }
    }

    /// A result of the scorer of pairs.
    pub(super) fn pairs(&mut self, result: &Value) {
        let (engine, set) = (text(result, "engine"), text(result, "set"));
        let three =
            [number(result, "auc", 3), number(result, "f1", 3), number(result, "r_fpr1", 3)].join(" / ");
        if set == "dev" {
            self.put("pairs dev: AUC / F1 / recall at 1 % false positives", engine, three);
            for (scripts, of) in result["per"].as_object().into_iter().flatten() {
                self.put(&format!("pairs dev: AUC {scripts}"), engine, number(of, "auc", 3));
            }
            self.put("pairs a second, start-up subtracted", engine, number(result, "pairs_per_s", 0));
        } else {
            self.put(&format!("pairs {set}: AUC"), engine, number(result, "auc", 3));
            self.put(&format!("pairs {set}: best F1"), engine, number(result, "best_f1", 3));
            for (kind, of) in result["per"].as_object().into_iter().flatten() {
                let both = format!("{} / {}", number(of, "auc", 3), number(of, "best_f1", 3));
                self.put(&format!("pairs {set}: AUC / best F1 {kind}"), engine, both);
            }
        }
    }

    /// A result of the scorer of searches.
    pub(super) fn retrieval(&mut self, result: &Value) {
        let (engine, set) = (text(result, "engine"), text(result, "set"));
        for (script, of) in result["per"].as_object().into_iter().flatten() {
            let three = [number(of, "r1", 3), number(of, "r10", 3), number(of, "mrr", 3)].join(" / ");
            self.put(&format!("search {set} {script}: R@1 / R@10 / MRR"), engine, three);
        }
        self.put(&format!("search {set}: queries a second, one stream"), engine, number(result, "qps", 0));
        self.put(&format!("search {set}: made ready in seconds"), engine, number(result, "build_s", 2));
    }

    /// What our engine says of its times on standard error.
    pub(super) fn times(&mut self, set: &str, said: &str) {
        for line in said.lines().filter(|line| line.starts_with("search p")) {
            if let Some((what, time)) = line.split_once('\t') {
                self.put(&format!("{what} {set}"), "ours", time.to_owned());
            }
        }
    }

    /// A line `measure: value` of ours.
    pub(super) fn line(&mut self, line: &str) {
        if let Some((measure, value)) = line.split_once(": ") {
            self.put(measure, "ours", value.to_owned());
        }
    }
}

fn text<'a>(result: &'a Value, field: &str) -> &'a str {
    result[field].as_str().unwrap_or("?")
}

fn number(result: &Value, field: &str, digits: usize) -> String {
    result[field].as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measure | {} |", self.engines.join(" | "))?;
        writeln!(f, "|---|{}", "---|".repeat(self.engines.len()))?;
        for (measure, values) in &self.rows {
            write!(f, "| {measure} |")?;
            for column in 0..self.engines.len() {
                let value = values.iter().rev().find(|(at, _)| *at == column);
                write!(f, " {} |", value.map_or("", |(_, value)| value))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_engine_has_a_column_and_every_measure_a_row() {
        let mut table = Table::default();
        let result = |engine: &str, auc: f64| {
            json!({
                "engine": engine, "set": "dev", "auc": auc, "f1": 0.5, "r_fpr1": 0.25, "pairs_per_s": 1234.5,
                "per": { "Latn-Latn": { "auc": auc } },
            })
        };
        table.pairs(&result("ours", 0.9784));
        table.pairs(&result("peer", 0.5));
        table.line("index, bytes a name: 43.5");
        table.times("dev", "noise\nsearch p95\t12.0 µs\n");
        let shown = table.to_string();
        assert!(shown.starts_with("| measure | ours | peer |\n|---|---|---|\n"), "{shown}");
        for row in [
            "| pairs dev: AUC / F1 / recall at 1 % false positives | 0.978 / 0.500 / 0.250 | 0.500 / 0.500 / 0.250 |",
            "| pairs dev: AUC Latn-Latn | 0.978 | 0.500 |",
            "| index, bytes a name | 43.5 |  |",
            "| search p95 dev | 12.0 µs |  |",
        ] {
            assert!(shown.lines().any(|line| line == row), "{row} is not in\n{shown}");
        }
    }
}
