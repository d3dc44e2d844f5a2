//! Lists with commas as pflag reads them: one line of CSV.

/// The fields of a line of CSV (Go's `encoding/csv`, of which pflag reads the first record); none for empty text.
pub(super) fn fields(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let line = text.lines().next().ok_or("EOF")?;
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let column = line.len() - rest.len() + 1;
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted, column + 1)?,
            None => plain_field(rest, column)?,
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

fn plain_field(rest: &str, column: usize) -> Result<(String, &str), String> {
    let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    match field.find('"') {
        Some(at) => Err(format!(r#"parse error on line 1, column {}: bare " in non-quoted-field"#, column + at)),
        None => Ok((field.to_owned(), after)),
    }
}

/// What stands between quotes; a doubled one is one.
fn quoted_field(quoted: &str, column: usize) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let wrong = |at: usize| {
            format!(r#"parse error on line 1, column {}: extraneous or missing " in quoted-field"#, column + at)
        };
        let (text, after) = rest.split_once('"').ok_or_else(|| wrong(quoted.len()))?;
        field.push_str(text);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if after.is_empty() || after.starts_with(',') => return Ok((field, after)),
            None => return Err(wrong(quoted.len() - after.len() - 1)),
        }
    }
}

/// Pairs of `key=value` (pflag's `stringToString`); with a single `=` the text is one pair, commas and all.
pub(super) fn pairs(text: &str) -> Result<Vec<String>, String> {
    let pairs = match text.matches('=').count() {
        0 => return Err(format!("{text} must be formatted as key=value")),
        1 => vec![text.trim_matches('"').to_owned()],
        _ => fields(text)?,
    };
    match pairs.iter().find(|pair| !pair.contains('=')) {
        Some(pair) => Err(format!("{pair} must be formatted as key=value")),
        None => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::{fields, pairs};

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(fields("a,b").unwrap(), ["a", "b"]);
        assert_eq!(fields(r#""a,b",c"#).unwrap(), ["a,b", "c"]);
        assert_eq!(fields(r#""a""b""#).unwrap(), [r#"a"b"#]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert!(fields("").unwrap().is_empty());
    }

    /// Helm 4.2.4's words for `-f 'a"b'` and `-f '"a'`.
    #[test]
    fn stray_quotes_are_refused() {
        assert_eq!(fields(r#"a"b"#).unwrap_err(), r#"parse error on line 1, column 2: bare " in non-quoted-field"#);
        assert_eq!(
            fields(r#""a"#).unwrap_err(),
            r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#
        );
    }

    #[test]
    fn pairs_need_an_equals_sign() {
        assert_eq!(pairs("a=b,c=d").unwrap(), ["a=b", "c=d"]);
        assert_eq!(pairs("a=b,c").unwrap(), ["a=b,c"]);
        assert_eq!(pairs("a=b,c=d,e").unwrap_err(), "e must be formatted as key=value");
        assert_eq!(pairs("a").unwrap_err(), "a must be formatted as key=value");
    }
}
