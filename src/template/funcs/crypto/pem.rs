//! PEM blocks, as Go's `encoding/pem` reads and writes them.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A block of this kind.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {kind}-----\n");
    let encoded = STANDARD.encode(bytes);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.extend([line, "\n"]);
        rest = after;
    }
    text + &format!("-----END {kind}-----\n")
}

/// Kind and content of the first block in a text.
pub(super) fn decode(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let mut rest: &str = &text;
    loop {
        let begin = rest.find("-----BEGIN ")?;
        let starts_line = rest.get(..begin).is_none_or(|before| before.is_empty() || before.ends_with('\n'));
        let (_, block) = rest.split_at(begin + "-----BEGIN ".len());
        if let Some(found) = starts_line.then(|| content(block)).flatten() {
            return Some(found);
        }
        rest = block;
    }
}

/// A block after its `-----BEGIN `.
fn content(block: &str) -> Option<(String, Vec<u8>)> {
    let (head, body) = block.split_once('\n')?;
    let kind = head.trim_end().strip_suffix("-----")?;
    let (body, _) = body.split_once(&format!("-----END {kind}-----"))?;
    // Headers, as of encrypted keys, are not part of the content.
    let lines = body.lines().skip_while(|line| line.trim().is_empty() || line.contains(':'));
    let encoded: String = lines.flat_map(|line| line.split_whitespace()).collect();
    Some((kind.to_owned(), STANDARD.decode(encoded).ok()?))
}
