//! References between schemas (RFC 3986, section 5).

/// A reference, seen from a base, without its fragment.
pub(super) fn join(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.is_empty() || scheme(reference).is_some() {
        return if reference.is_empty() { base } else { reference }.to_owned();
    }
    let Some(scheme) = scheme(base) else { return reference.to_owned() };
    let rest = base.get(scheme.len() + 1..).unwrap_or_default();
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}");
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let slashes = if rest.starts_with("//") { "//" } else { "" };
    let path = path.split('?').next().unwrap_or_default();
    let (reference, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
    let merged = if reference.is_empty() {
        path.to_owned()
    } else if reference.starts_with('/') {
        without_dots(reference)
    } else {
        let folder = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or("/");
        without_dots(&format!("{folder}{reference}"))
    };
    format!("{scheme}:{slashes}{authority}{merged}{query}")
}

/// The scheme of an absolute URL.
pub(super) fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

/// A fragment, its percent signs decoded.
///
/// # Errors
/// Go's words: `invalid URL escape "%zz"`.
pub(super) fn decode(fragment: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            let shown = after.get(..2).unwrap_or(after);
            return Err(format!("invalid URL escape \"%{}\"", String::from_utf8_lossy(shown)));
        };
        bytes.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}
