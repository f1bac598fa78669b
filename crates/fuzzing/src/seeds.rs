//! Inputs as text files: hexadecimal, with lines of words that begin with `#`.

use crate::run::Failure;
use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER_PERMISSIVE;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// The inputs of `fuzz/seeds/<target>`, in the order of their names.
pub(crate) fn committed(root: &Path, target: &str) -> Result<Vec<Vec<u8>>> {
    let dir = root.join("fuzz/seeds").join(target);
    let Ok(entries) = std::fs::read_dir(&dir) else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.sort();
    let mut inputs = Vec::new();
    for file in files {
        let shown = || format!("cannot read the seed `{}`", file.display());
        let text = std::fs::read_to_string(&file).with_context(shown)?;
        inputs.push(parse(&text).with_context(shown)?.1);
    }
    Ok(inputs)
}

/// The target named in the first line, if any, and the bytes.
pub(crate) fn parse(text: &str) -> Result<(Option<String>, Vec<u8>)> {
    let name =
        text.lines().find_map(|line| line.strip_prefix("# target ")).map(|name| name.trim().to_owned());
    let digits: String =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    let input = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).context("not hexadecimal")?;
    Ok((name, input))
}

/// Writes an input into `fuzz/artifacts`.
pub(crate) fn keep(root: &Path, target: &str, seed: u64, failure: &Failure) -> Result<PathBuf> {
    let dir = root.join("fuzz/artifacts");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    let digest = Sha256::digest(&failure.input);
    let short = HEXLOWER_PERMISSIVE.encode(digest.get(..4).unwrap_or_default());
    let path = dir.join(format!("{target}-{short}.hex"));
    let text =
        write(target, &format!("seed {seed}, input {}: {}", failure.number, failure.words), &failure.input);
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

/// The text of a file that [`parse`] reads.
pub(crate) fn write(target: &str, words: &str, input: &[u8]) -> String {
    let mut text = format!("# target {target}\n# {}\n", words.replace('\n', " "));
    for line in input.chunks(48) {
        text.push_str(&HEXLOWER_PERMISSIVE.encode(line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let input: Vec<u8> = (0..=255).collect();
        let text = write("ledger-entry", "two\nlines", &input);
        assert_eq!(parse(&text).unwrap(), (Some("ledger-entry".to_owned()), input));
        assert_eq!(parse("").unwrap(), (None, Vec::new()));
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused() {
        assert!(parse("# target x\nzz\n").is_err());
        assert!(parse("abc\n").is_err());
    }
}
