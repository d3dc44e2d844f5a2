//! Both ways against what Go gave: `tests/read.jsonl` holds `[YAML, JSON]` or `[YAML, null, error]` from
//! `yaml.YAMLToJSON`, `tests/write.jsonl` holds `[JSON, YAML]` from `yaml.Marshal` (sigs.k8s.io/yaml v1.6.0).

use serde_json::json;

use super::{node::KeptFloats, *};

#[track_caller]
fn check_error(text: &str, words: &str, line: usize, column: usize) {
    let error = from_str(text).expect_err(text);
    let expected = format!("error converting YAML to JSON: yaml: {words}");
    assert_eq!((error.message, error.line, error.column), (expected, line, column));
}

fn table(lines: &str) -> impl Iterator<Item = Vec<Value>> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"))
}

#[test]
fn reads_what_go_reads() {
    for case in table(include_str!("tests/read.jsonl")) {
        let text = case[0].as_str().expect("YAML");
        match from_str(text) {
            Ok(value) => assert_eq!([value].as_slice(), &case[1..], "{text:?}"),
            Err(error) => {
                let words = error.message.strip_prefix("error converting YAML to JSON: ");
                assert_eq!(Some(&json!(words)), case.get(2), "{text:?}");
            }
        }
    }
}

#[test]
fn writes_what_go_writes() {
    for case in table(include_str!("tests/write.jsonl")) {
        assert_eq!(Some(&*to_string(&case[0])), case[1].as_str(), "{}", case[0]);
    }
}

#[test]
fn what_was_written_reads_the_same() {
    for case in table(include_str!("tests/write.jsonl")) {
        // Go writes the key `<<` plain, which it then reads as a merge.
        if case[0].get("<<").is_none() {
            let text = case[1].as_str().expect("YAML");
            assert_eq!(to_string(&from_str(text).expect(text)), text);
        }
    }
}

#[test]
fn errors_have_true_places() {
    // A parser's error: Go counts its line from zero.
    check_error("a: 1\nb: [1\nc: 2\n", "line 2: did not find expected ',' or ']'", 3, 2);
    check_error("a: 1\nb: c: d\n", "line 2: mapping values are not allowed in this context", 2, 5);
    check_error("a: 'x", "found unexpected end of stream", 1, 1);
    check_error("a: 1\n\nb: *none\n", "unknown anchor 'none' referenced", 3, 4);
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(from_str(&nested(MAX_DEPTH)).is_ok());
    let endless = ["[", "- ", "{a: ", "? "].map(|open| open.repeat(100_000));
    for text in [nested(MAX_DEPTH + 2)].iter().chain(&endless) {
        let error = from_str(text).expect_err("too deep");
        assert_eq!(error.message, "error converting YAML to JSON: yaml: exceeded max depth of 200");
    }
}

#[test]
fn aliases_have_a_limit() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, previous) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let aliases = vec![format!("*{previous}"); 10].join(", ");
        text += &format!("{name}: &{name} [{aliases}]\n");
    }
    let error = from_str(&text).expect_err("a billion laughs");
    assert_eq!(error.message, "error converting YAML to JSON: yaml: document contains excessive aliasing");
}

#[test]
fn aliases_of_long_texts_have_a_limit() {
    let aliases = vec!["*a"; 90].join(", ");
    let text = format!("a: &a {}\nb: [{aliases}]\n", "x".repeat(1 << 20));
    assert!(from_str(&text).is_err());
    let nested: String = (0..90).map(|depth| format!("&a{depth} [")).collect();
    let text = format!("{nested}{}{}", "x".repeat(1 << 20), "]".repeat(90));
    assert!(from_str(&text).is_err());
}

#[test]
fn tags_before_commas_are_refused_and_scalars_are_not() {
    for text in ["[!a, b]", "[!!str, b]", "{a: !<b,c>, d: e}", "[!a, b]\n'", "a: {b: 1}\na: {c:2}\n[!a, b]"] {
        assert!(from_str(text).is_err(), "{text}");
    }
    let text = "a: wow !x, y\nb: |\n  [!z, w]\nc: ['!b, c', \"!d, e\"]\nd: [a !b, c]\n# [!c, d]\n";
    let expected = json!({"a": "wow !x, y", "b": "[!z, w]\n", "c": ["!b, c", "!d, e"], "d": ["a !b", "c"]});
    assert_eq!(from_str(text).expect(text), expected);
}

/// Where the short way takes a text, it must say what the whole language says.
#[test]
fn the_short_way_agrees() {
    for case in table(include_str!("tests/read.jsonl")).chain(table(include_str!("tests/write.jsonl"))) {
        for text in case.iter().filter_map(Value::as_str) {
            if let Some(value) = plain::document::<Value>(text) {
                assert_eq!(Ok(value), read::document(text, scalar::Floats::Json).map(|(value, _)| value), "{text:?}");
            }
            if let Some(KeptFloats(value)) = plain::document(text) {
                assert_eq!(Ok(value), read::document(text, scalar::Floats::Kept).map(|(value, _)| value), "{text:?}");
            }
        }
    }
}

#[test]
fn what_is_only_checked_is_checked_as_well() {
    for case in table(include_str!("tests/read.jsonl")).chain(table(include_str!("tests/write.jsonl"))) {
        for text in case.iter().filter_map(Value::as_str) {
            let plain = plain::document::<Value>(text);
            assert_eq!(plain::document::<()>(text), plain.as_ref().map(|_| ()), "{text:?}");
            let is_wanted = |key: &str| key < "c";
            let kept =
                |map: serde_json::Map<String, Value>| map.into_iter().filter(|(key, _)| is_wanted(key)).collect();
            let wanted = plain.and_then(|value| if let Value::Object(map) = value { Some(kept(map)) } else { None });
            if let Some(found) = plain::fields(text, is_wanted) {
                assert_eq!(Some(found), wanted, "{text:?}");
            }
        }
    }
}

#[test]
fn odd_characters_take_the_long_way() {
    for odd in ['\u{1}', '\r', '\u{7f}', '\u{80}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}', '\u{feff}', '\u{fffe}'] {
        assert_eq!(plain::document::<Value>(&format!("a: b{odd}c")), None, "{odd:?}");
    }
    for usual in ['\u{a0}', 'é', '\u{2027}', '€', '\u{fefe}', '\u{fffd}', '😀'] {
        let text = format!("b{usual}c");
        assert_eq!(plain::document(&format!("a: {text}")), Some(json!({"a": text})), "{usual:?}");
    }
}

#[test]
fn escaped_space_at_the_end_of_a_line_stays() {
    for (text, expected) in [
        ("a: \"b\\n\\t\n  \\ c\"", "b\n\t  c"),
        ("a: \"b\\t  \n  c\"", "b\t c"),
        ("a: \"b\\n  \n\n  c\"", "b\n\nc"),
        ("a: 'b  \n  c'", "b c"),
    ] {
        assert_eq!(plain::document(text), Some(json!({"a": expected})), "{text:?}");
        assert_eq!(from_str(text).ok(), read::document(text, scalar::Floats::Json).ok().map(|(value, _)| value));
    }
}
