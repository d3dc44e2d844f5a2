//! Bytes among values that are no text, such as a keystore's from `--set-file`: templates can hold them, JSON cannot.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::Values;

/// How a string begins that stands for bytes; the first character is one for private use.
const MARK: &str = "\u{10fffd}bytes:";

/// A file's text, or a string that stands for its bytes.
pub(super) fn text(data: Vec<u8>) -> String {
    String::from_utf8(data).unwrap_or_else(|error| MARK.to_owned() + &BASE64_STANDARD.encode(error.as_bytes()))
}

/// The bytes that a string stands for; `None` for text.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text.strip_prefix(MARK)?).ok()
}

/// Makes text of them as JSON does: what is no UTF-8 becomes U+FFFD. So values are recorded.
pub fn make_text(values: &mut Values) {
    values.values_mut().for_each(make_one_text);
}

fn make_one_text(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(bytes) = bytes(text) {
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_one_text),
        Value::Object(table) => make_text(table),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_come_back_and_text_is_left_alone() {
        let data = b"ab\xff\xfe\x80z".to_vec();
        assert_eq!(bytes(&text(data.clone())), Some(data.clone()));
        assert_eq!((text(b"plain".to_vec()).as_str(), bytes("plain")), ("plain", None));
        let mut values = Values::from_iter([("a".to_owned(), json!([{"b": text(data)}, "c"]))]);
        make_text(&mut values);
        assert_eq!(Value::Object(values), json!({"a": [{"b": "ab\u{fffd}\u{fffd}\u{fffd}z"}, "c"]}));
    }
}
