//! Selectors for records that are not objects: what the program itself selects by.

use super::RecordMeta;

/// One requirement of a selector: `name=web`, `status!=superseded`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term<'a> {
    pub key: &'a str,
    pub value: &'a str,
    pub equal: bool,
}

/// Splits a selector at its commas. Nothing that the program selects by has other operators.
pub(super) fn terms(selector: &str) -> impl Iterator<Item = Term<'_>> {
    selector.split(',').filter_map(|term| {
        let (key, value) = term.split_once('=')?;
        Some(match key.strip_suffix('!') {
            Some(key) => Term { key, value, equal: false },
            None => Term { key, value, equal: true },
        })
    })
}

impl Term<'_> {
    pub fn matches(&self, meta: &RecordMeta) -> bool {
        let found = match self.key {
            "name" => meta.name.as_str(),
            "status" => meta.status.as_str(),
            key => meta.labels.get(key).map_or("", String::as_str),
        };
        (found == self.value) == self.equal
    }
}
