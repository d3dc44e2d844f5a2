//! Selectors for records that are not objects: what the program itself selects by.

use super::RecordMeta;
use crate::release::Error;

/// What of a record may be selected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Status,
}

/// One requirement of a selector: `name=web`, `status!=superseded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term<'a> {
    pub field: Field,
    pub value: &'a str,
    pub equal: bool,
}

/// Splits a selector at its commas. The program selects by nothing else, so other selectors are an error.
pub(super) fn terms(selector: &str) -> Result<Vec<Term<'_>>, Error> {
    let parse = |text| {
        let (key, value) = str::split_once(text, '=')?;
        let field = match key.trim_end_matches('!') {
            "name" => Field::Name,
            "status" => Field::Status,
            _ => return None,
        };
        Some(Term { field, value, equal: !key.ends_with('!') })
    };
    let texts = selector.split(',').filter(|text| !text.is_empty());
    let terms: Option<Vec<_>> = texts.map(parse).collect();
    terms.ok_or_else(|| Error::Driver(format!("this driver cannot select records by {selector:?}")))
}

impl Term<'_> {
    pub fn matches(&self, meta: &RecordMeta) -> bool {
        let found = match self.field {
            Field::Name => meta.name.as_str(),
            Field::Status => meta.status.as_str(),
        };
        (found == self.value) == self.equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_statuses_select() {
        let term = |field, value, equal| Term { field, value, equal };
        let both = [term(Field::Name, "web", true), term(Field::Status, "superseded", false)];
        assert_eq!(terms("name=web,status!=superseded").unwrap(), both);
        assert_eq!(terms("").unwrap(), []);
        for selector in ["team=a", "name", "name in (a,b)", "name==web,team"] {
            assert!(matches!(terms(selector), Err(Error::Driver(_))), "{selector}");
        }
    }
}
