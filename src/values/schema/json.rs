//! JSON that borrows from its text. Most schemas are only looked at, and to copy all their names and texts takes a third of
//! the time.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};

/// A value as its text has it.
#[derive(Debug, PartialEq)]
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'t, str>),
    Array(Vec<Json<'t>>),
    Object(Members<'t>),
}

/// The members of an object, those with short names first. Of several with the same name the last one counts.
#[derive(Debug, PartialEq)]
pub(super) struct Members<'t>(Vec<(Cow<'t, str>, Json<'t>)>);

impl<'t> Json<'t> {
    /// Reads a text, as [`Value`] is read.
    ///
    /// # Errors
    /// What is wrong with it, in the words of `serde_json`.
    pub(super) fn read(text: &'t [u8]) -> Result<Self, String> {
        // Of text it is known that each string is; otherwise each is checked alone, which takes longer.
        let json = match std::str::from_utf8(text) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(text),
        };
        json.map_err(|error| error.to_string())
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    pub(super) fn as_object(&self) -> Option<&Members<'t>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// A copy that needs no text.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.as_ref().to_owned()),
            Self::Array(list) => list.iter().map(Self::to_value).collect(),
            Self::Object(members) => members.iter().map(|(name, value)| (name, value.to_value())).collect(),
        }
    }
}

impl<'t> Members<'t> {
    fn new(mut members: Vec<(Cow<'t, str>, Json<'t>)>) -> Self {
        if !members.is_sorted_by(|(a, _), (b, _)| order(a) < order(b)) {
            members.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)));
            members.dedup_by(|later, earlier| {
                let is_same = later.0 == earlier.0;
                if is_same {
                    std::mem::swap(later, earlier);
                }
                is_same
            });
        }
        Self(members)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json<'t>> {
        let place = self.0.binary_search_by(|(known, _)| order(known).cmp(&order(name))).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

/// Most names that are compared differ in length already.
fn order(name: &str) -> (usize, &str) {
    (name.len(), name)
}

/// The name of a member.
#[derive(Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Json<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Json::Object(Members::new(members)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRITTEN: &[&[u8]] = &[
        b"null",
        b" [ true , false ] ",
        br#"{"b": 1, "a": {"c": []}, "": "", "b ": 2}"#,
        // The last of several counts, also where one is written with escapes.
        br#"{"a": 1, "a": 2}"#,
        br#"{"b": 1, "a": 2, "b": {"x": 1, "x": 2}, "a": 3, "\u0062": 4}"#,
        br#""\u00e9\n\ud83d\ude00\/ \"""#,
        "\"é\u{1f600}\"".as_bytes(),
        br#"{"\u0061\t": "\\"}"#,
        b"[0, -0, 1.0, 1.50, -1, 1e2, 1E-2]",
        b"[9223372036854775807, 9223372036854775808, -9223372036854775808, -9223372036854775809]",
        b"[18446744073709551615, 18446744073709551616, 1e308, 123456789012345678901234567890]",
    ];

    const BROKEN: &[&[u8]] = &[
        b"",
        b" ",
        b"{} {}",
        b"1 2",
        b"[1,]",
        b"{\"a\": 1,}",
        b"{\"a\"}",
        b"{\"a\": }",
        b"{1: 2}",
        b"{a: 1}",
        b"[1",
        b"{\"a\": [1, {\"b\": nul}]}",
        b"1e309",
        b"01",
        b"1.",
        b"-",
        b"\"\n\"",
        b"\"\\x\"",
        b"\"\\ud800\"",
        b"\"\xff\"",
        b"{\"\xff\": 1}",
        b"\xff",
        b"\xef\xbb\xbf{}",
    ];

    fn read(text: &[u8]) -> Result<Value, String> {
        Json::read(text).map(|json| json.to_value())
    }

    fn read_with_copies(text: &[u8]) -> Result<Value, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_copies_are_read_of() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        let deep = nested(127);
        for text in WRITTEN.iter().copied().chain([deep.as_slice()]) {
            assert!(read_with_copies(text).is_ok(), "{}", text.escape_ascii());
            assert_eq!(read(text), read_with_copies(text), "{}", text.escape_ascii());
        }
        let too_deep = nested(128);
        for text in BROKEN.iter().copied().chain([too_deep.as_slice()]) {
            assert!(read_with_copies(text).is_err(), "{}", text.escape_ascii());
            assert_eq!(read(text), read_with_copies(text), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn borrows_all_that_has_no_escapes() {
        let json = Json::read(br#"{"plain": "text", "escaped\n": "\t"}"#).expect("JSON");
        let is_borrowed = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        let Json::Object(Members(members)) = json else { panic!("no object: {json:?}") };
        let borrowed = members.iter().map(|(name, value)| match value {
            Json::String(text) => (name.as_ref(), is_borrowed(name), text.as_ref(), is_borrowed(text)),
            other => panic!("no text: {other:?}"),
        });
        let expected = [("plain", true, "text", true), ("escaped\n", false, "\t", false)];
        assert_eq!(borrowed.collect::<Vec<_>>(), expected);
    }

    /// Pieces whose sequences are often JSON, and often nearly.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let pieces: &[&[u8]] = &[
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\"a\"",
            b"\"b\"",
            b"\"\\u0061\"",
            b"\"",
            b"\\",
            b"1",
            b"-",
            b".5",
            b"e3",
            b"null",
            b"true",
            b" ",
            b"\n",
            b"\xc3\xa9",
            b"\xff",
        ];
        let broken = prop::sample::select(pieces).prop_map(<[u8]>::to_vec);
        let scalar = prop::sample::select(&["null", "false", "-1", "2.5", "1e999", "\"a\"", "\"\\\"\""][..]);
        let scalar = scalar.prop_map(|text| text.as_bytes().to_vec());
        let key = prop::sample::select(&["\"a\"", "\"b\"", "\"c\"", "\"\\u0061\"", "\"é\""][..]);
        let whole = scalar.prop_recursive(4, 40, 6, move |inner| {
            let member = (key.clone(), inner.clone()).prop_map(|(key, value)| [key.as_bytes(), b":", &value].concat());
            let list = prop::collection::vec(inner, 0..6).prop_map(|items| items.join(&b","[..]));
            let members = prop::collection::vec(member, 0..6).prop_map(|members| members.join(&b","[..]));
            prop_oneof![
                list.prop_map(|items| [b"[", items.as_slice(), b"]"].concat()),
                members.prop_map(|members| [b"{", members.as_slice(), b"}"].concat()),
            ]
        });
        prop_oneof![1 => broken, 4 => whole]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reads_any_text_as_with_copies(pieces in prop::collection::vec(piece(), 1..4)) {
            let text = pieces.concat();
            prop_assert_eq!(read(&text), read_with_copies(&text));
        }

        #[test]
        fn finds_the_members_that_count(
            members in prop::collection::vec(("[a-c]{0,2}", any::<u8>()), 0..40),
            name in "[a-c]{0,2}",
        ) {
            let text: Vec<String> = members.iter().map(|(name, number)| format!("{name:?}:{number}")).collect();
            let text = format!("{{{}}}", text.join(","));
            let json = Json::read(text.as_bytes()).expect("JSON");
            let last = members.iter().rev().find(|(known, _)| *known == name);
            let last = last.map(|(_, number)| Json::Number((*number).into()));
            prop_assert_eq!(json.get(&name), last.as_ref());
        }
    }
}
