//! Many rows of one `INSERT` as few statements: every statement costs the server a turn of its protocol, whatever it
//! holds. Only what means the same in one statement as in several is widened.

/// Rows of one statement: few sizes, so that few statements are prepared; the rest of a batch goes in smaller ones.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// An `INSERT` of one row, taken apart at its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insert<'a> {
    before: &'a str,
    values: &'a str,
    after: &'a str,
}

impl<'a> Insert<'a> {
    /// Takes a statement apart, if several rows of it may go together. One that changes a row that is there may not: it
    /// refuses the same row twice in one statement, and two statements take it.
    pub(super) fn of(sql: &'a str) -> Option<Self> {
        let (before, rest) = sql.split_once("VALUES (")?;
        let (values, after) = rest.split_once(')')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || matches!(c, '$' | ',');
        let after = after.trim();
        let alone = after.is_empty() || (after.starts_with("ON CONFLICT") && after.ends_with("DO NOTHING"));
        let fits = before.trim_start().starts_with("INSERT INTO ")
            && values.chars().all(plain)
            && alone
            && !before.contains('$')
            && !after.contains(['$', ';']);
        fits.then_some(Self { before, values, after })
    }

    /// Returns the statement for so many rows of `parameters` values each, which follow one another.
    pub(super) fn rows(&self, rows: usize, parameters: usize) -> String {
        let tuple = self.values.len().saturating_add(8);
        let mut sql =
            String::with_capacity(self.before.len() + self.after.len() + rows.saturating_mul(tuple));
        sql.push_str(self.before);
        sql.push_str("VALUES ");
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            self.tuple(row.saturating_mul(parameters), &mut sql);
            sql.push(')');
        }
        if !self.after.is_empty() {
            sql.push(' ');
            sql.push_str(self.after);
        }
        sql
    }

    /// The values with every parameter moved on.
    fn tuple(&self, by: usize, sql: &mut String) {
        let mut parts = self.values.split('$');
        sql.extend(parts.next());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            let number = number.parse::<usize>().unwrap_or(0).saturating_add(by);
            sql.push('$');
            sql.push_str(&number.to_string());
            sql.push_str(rest);
        }
    }
}

/// Cuts rows into blocks of the sizes of statements.
pub(super) fn blocks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    core::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (block, rest) = rows.split_at(size);
        rows = rest;
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_the_same_together_is_widened() {
        for alone in [
            "UPDATE item SET size = $2 WHERE id = $1",
            "DELETE FROM item WHERE id = $1",
            "INSERT INTO item (id) SELECT $1 WHERE 1 = 1",
            "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "INSERT INTO item (id, name) VALUES ($1, lower($2))",
            "INSERT INTO item (id, name) VALUES ($1, '$2')",
            "INSERT INTO item (id) VALUES ($1) RETURNING id",
            "INSERT INTO item (id) VALUES ($1); DELETE FROM item",
            "INSERT INTO item (id) VALUES ($1) ON CONFLICT (id) WHERE size = $2 DO NOTHING",
            "WITH more AS (SELECT $1) INSERT INTO item (id) VALUES ($1)",
        ] {
            assert_eq!(Insert::of(alone), None, "{alone}");
        }
    }

    #[test]
    fn every_row_has_parameters_of_its_own() {
        let insert =
            Insert::of("INSERT INTO item (b, a, c, d)\n VALUES ($2, $1, 0, $2) ON CONFLICT DO NOTHING");
        let text = insert.unwrap().rows(3, 2);
        let expected = "INSERT INTO item (b, a, c, d)\n VALUES ($2, $1, 0, $2), ($4, $3, 0, $4), ($6, $5, 0, $6) \
                        ON CONFLICT DO NOTHING";
        assert_eq!(text, expected);
        let insert = Insert::of("INSERT INTO item (id, name) VALUES ($1, $12)").unwrap();
        assert_eq!(insert.rows(2, 12), "INSERT INTO item (id, name) VALUES ($1, $12), ($13, $24)");
    }

    #[test]
    fn blocks_hold_every_row_once_and_in_order() {
        for count in [0_usize, 1, 3, 4, 63, 64, 65, 86, 300] {
            let rows: Vec<usize> = (0..count).collect();
            let sizes: Vec<usize> = blocks(&rows).map(<[usize]>::len).collect();
            assert_eq!(blocks(&rows).flatten().copied().collect::<Vec<_>>(), rows);
            assert!(sizes.iter().all(|size| SIZES.contains(size)), "{sizes:?}");
            assert!(sizes.len() <= count / 64 + 9, "{sizes:?}");
        }
    }
}
