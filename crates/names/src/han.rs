//! Readings of common Han characters in personal names.

/// Returns the reading of a character in Hanyu Pinyin without tones.
pub(crate) fn reading(_c: char) -> Option<&'static str> {
    None
}

/// True for common family names of one character.
pub(crate) fn is_family(_c: char) -> bool {
    true
}
