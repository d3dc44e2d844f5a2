//! The one shape that versions and the versions in constraints share: `v1.2.3-pre.1+meta`, with most of it optional.

/// The pieces of a version, without the signs before them, and where it ends in the text.
pub(super) struct Parts<'a> {
    pub major: &'a str,
    pub minor: Option<&'a str>,
    pub patch: Option<&'a str>,
    pub prerelease: Option<&'a str>,
    pub metadata: Option<&'a str>,
    /// How many bytes of the text belong to the version.
    pub end: usize,
}

/// Reads as much of the start of a text as is a version whose numbers are of these bytes.
pub(super) fn version(text: &str, is_number: fn(u8) -> bool) -> Option<Parts<'_>> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = run(rest, is_number)?;
    let (minor, rest) = after(rest, '.', |rest| run(rest, is_number));
    let (patch, rest) = match minor {
        Some(_) => after(rest, '.', |rest| run(rest, is_number)),
        None => (None, rest),
    };
    let (prerelease, rest) = after(rest, '-', identifiers);
    let (metadata, rest) = after(rest, '+', identifiers);
    Some(Parts { major, minor, patch, prerelease, metadata, end: text.len() - rest.len() })
}

/// Whether a byte may stand in a prerelease or in metadata.
pub(super) fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The longest start of these bytes, at least one, and what follows it.
fn run(text: &str, is_part: fn(u8) -> bool) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(|byte| is_part(*byte)).count();
    (length > 0).then(|| text.split_at(length))
}

/// What `read` finds behind a sign, or nothing and the whole text.
fn after<'a>(
    text: &'a str,
    sign: char,
    read: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> (Option<&'a str>, &'a str) {
    match text.strip_prefix(sign).and_then(read) {
        Some((found, rest)) => (Some(found), rest),
        None => (None, text),
    }
}

/// Identifiers with dots between them.
fn identifiers(text: &str) -> Option<(&str, &str)> {
    let (_, mut rest) = run(text, is_identifier)?;
    while let Some((_, further)) = rest.strip_prefix('.').and_then(|rest| run(rest, is_identifier)) {
        rest = further;
    }
    Some(text.split_at(text.len() - rest.len()))
}
