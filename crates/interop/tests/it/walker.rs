//! A second, naive look at a document, to check the reader against: every element and attribute by path. Not
//! for hostile input: it knows just enough of XML for lists that are well formed.

use std::collections::BTreeMap;

/// Returns how often each path occurs.
pub(crate) fn paths(xml: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let close = match rest {
            r if r.starts_with("<!--") => "-->",
            r if r.starts_with("<![CDATA[") => "]]>",
            r if r.starts_with("<?") => "?>",
            _ => ">",
        };
        let end = rest.find(close).expect("well formed") + close.len();
        let tag = &rest[..end];
        rest = &rest[end..];
        if tag.starts_with("<!") || tag.starts_with("<?") {
            continue;
        }
        if tag.starts_with("</") {
            assert_eq!(open.pop(), Some(tag[2..tag.len() - 1].trim()));
            continue;
        }
        let empty = tag.ends_with("/>");
        let inner = tag[1..].trim_end_matches('>').trim_end_matches('/');
        let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        open.push(name);
        let path = open.join("/");
        // Names stand before `=`; values between quotes of either kind, at even places after splitting.
        let outside = attributes.split(['\'', '"']).step_by(2);
        for attribute in outside.filter_map(|text| text.trim().strip_suffix('=')) {
            *found.entry(format!("{path}/@{}", attribute.trim())).or_default() += 1;
        }
        *found.entry(path).or_default() += 1;
        if empty {
            open.pop();
        }
    }
    assert!(open.is_empty());
    found
}
