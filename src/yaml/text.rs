//! Bytes that should be text, and go-yaml's words where they are not (`readerc.go`).

use super::Error;

/// The text of these bytes, which have to be UTF-8.
pub(super) fn of(data: &[u8]) -> Result<&str, Error> {
    let error = match std::str::from_utf8(data) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let (before, rest) = data.split_at_checked(error.valid_up_to()).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let last_line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(last_line).chars().count() + 1;
    let words = if data.starts_with(&[0xff, 0xfe]) || data.starts_with(&[0xfe, 0xff]) {
        // Kubernetes cuts the text into lines of bytes before YAML sees it, and UTF-16 with it.
        "incomplete UTF-16 character"
    } else {
        problem(rest)
    };
    Err(Error { message: format!("error converting YAML to JSON: yaml: {words}"), line, column })
}

/// What is wrong with the first character of these bytes.
fn problem(bytes: &[u8]) -> &'static str {
    let (width, lead) = match bytes.first() {
        Some(byte) if byte & 0xe0 == 0xc0 => (2, byte & 0x1f),
        Some(byte) if byte & 0xf0 == 0xe0 => (3, byte & 0x0f),
        Some(byte) if byte & 0xf8 == 0xf0 => (4, byte & 0x07),
        _ => return "invalid leading UTF-8 octet",
    };
    let Some(trail) = bytes.get(1..width) else { return "incomplete UTF-8 octet sequence" };
    if trail.iter().any(|byte| byte & 0xc0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let value = trail.iter().fold(u32::from(lead), |value, byte| (value << 6) | u32::from(byte & 0x3f));
    let is_long_enough = match width {
        2 => value >= 0x80,
        3 => value >= 0x800,
        _ => value >= 0x1_0000,
    };
    if is_long_enough { "invalid Unicode character" } else { "invalid length of a UTF-8 sequence" }
}
