//! Rows of a CSV as RFC 4180 writes them: fields may stand in quotes, with quotes doubled, and hold ends of lines.

/// A row, and the lines of the file it stands on.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) fields: Vec<String>,
    pub(super) line: usize,
    pub(super) last: usize,
    /// A quote was opened on this line and the file ended before it was closed.
    pub(super) open: Option<usize>,
}

pub(super) struct Rows<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
    line: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str, separator: char) -> Self {
        Self { rest: text.chars().peekable(), separator, line: 1 }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        self.rest.peek()?;
        let mut row = Row { fields: Vec::new(), line: self.line, last: self.line, open: None };
        let mut field = String::new();
        while let Some(c) = self.rest.next() {
            row.last = self.line;
            self.line += usize::from(c == '\n');
            match c {
                '"' if row.open.is_some() && self.rest.peek() == Some(&'"') => {
                    self.rest.next();
                    field.push('"');
                }
                '"' if row.open.is_some() => row.open = None,
                '"' if field.is_empty() => row.open = Some(self.line),
                '\r' if row.open.is_none() && self.rest.peek() == Some(&'\n') => {}
                '\n' if row.open.is_none() => break,
                c if c == self.separator && row.open.is_none() => row.fields.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        row.fields.push(field);
        Some(row)
    }
}
