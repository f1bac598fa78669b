//! The vectors of `docs/spec/envelope.md` as inputs.

use data_encoding::HEXLOWER;
use serde_json::Value;
use std::sync::LazyLock;

static VECTORS: LazyLock<Option<Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../docs/spec/vectors/envelope.json")).ok());

/// The bytes at a path; nothing when there are none, which the test over all targets notices.
pub(super) fn bytes(path: &[&str]) -> Option<Vec<u8>> {
    let mut value = VECTORS.as_ref()?;
    for step in path {
        value = match step.parse::<usize>() {
            Ok(index) => value.get(index)?,
            Err(_name) => value.get(step)?,
        };
    }
    HEXLOWER.decode(value.as_str()?.as_bytes()).ok()
}

/// A list of one, or none.
pub(super) fn one(path: &[&str]) -> Vec<Vec<u8>> {
    bytes(path).into_iter().collect()
}

/// The volume of `docs/spec/vectors/courier.json`.
pub(super) fn courier() -> Option<Vec<u8>> {
    static FILE: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
        let text = include_str!("../../../../docs/spec/vectors/courier.json");
        let vector: Value = serde_json::from_str(text).ok()?;
        HEXLOWER.decode(vector.get("file")?.as_str()?.as_bytes()).ok()
    });
    FILE.clone()
}

/// What `docs/spec/vectors/papers.json` holds under a name; a signed statement with and without its checkpoint.
pub(super) fn papers(name: &str) -> Vec<Vec<u8>> {
    static PAGE: LazyLock<Option<Value>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../../docs/spec/vectors/papers.json")).ok()
    });
    let found = |name: &str| HEXLOWER.decode(PAGE.as_ref()?.get(name)?.as_str()?.as_bytes()).ok();
    found(name).into_iter().chain(found(&format!("bare_{name}"))).collect()
}
