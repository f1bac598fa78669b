//! Readings of Han characters.
//!
//! One reading a character (Hanyu Pinyin without tones), from the Unihan database; see `tables/README.md`. What
//! this module deliberately does not do: choose among readings, or read Japanese names (their readings are
//! native words).

use std::sync::LazyLock;

/// First and past-the-last character of the table.
const FIRST: u32 = 0x4E00;
const SIZE: usize = 0x9FA6 - 0x4E00;

struct Readings {
    syllables: Vec<&'static str>,
    /// Position in `syllables` plus one, by character; 0 is "no reading".
    by_character: Vec<u16>,
}

static READINGS: LazyLock<Readings> = LazyLock::new(|| {
    let mut out = Readings { syllables: Vec::new(), by_character: vec![0; SIZE] };
    for line in include_str!("../tables/han.txt").lines() {
        let Some((syllable, characters)) = line.split_once(' ') else { continue };
        out.syllables.push(syllable);
        let id = u16::try_from(out.syllables.len()).unwrap_or(0);
        for slot in characters.chars().filter_map(offset) {
            if let Some(entry) = out.by_character.get_mut(slot) {
                *entry = id;
            }
        }
    }
    out
});

fn offset(c: char) -> Option<usize> {
    usize::try_from(u32::from(c).checked_sub(FIRST)?).ok()
}

/// Returns the reading of a character in Hanyu Pinyin without tones.
pub(crate) fn reading(c: char) -> Option<&'static str> {
    let at = usize::from(*READINGS.by_character.get(offset(c)?)?);
    READINGS.syllables.get(at.checked_sub(1)?).copied()
}

/// The hundred commonest family names of China and Taiwan (Ministry of Public Security report 2020; traditional
/// forms added).
const FAMILIES: &str = "王李张劉刘陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許邓鄧冯馮韩韓曹曾彭萧蕭蔡潘田董袁于余叶葉蒋蔣杜苏蘇魏程吕呂丁沈任姚卢盧傅钟鐘姜崔谭譚廖范汪陆陸金石戴贾賈韦韋夏邱方侯邹鄒熊孟秦白江阎閻薛尹段雷黎史龙龍陶贺賀顾顧毛郝龚龔邵万萬钱錢严嚴赖賴覃洪武莫孔";

/// True for common family names of one character.
pub(crate) fn is_family(c: char) -> bool {
    FAMILIES.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_read_in_both_forms() {
        for (character, expected) in [('陈', "chen"), ('陳', "chen"), ('克', "ke"), ('尔', "er")] {
            assert_eq!(reading(character), Some(expected));
        }
        assert_eq!(reading('あ'), None);
    }
}
