//! Secrets in values that are edited: shown as fingerprints until they are revealed, and put back before anything is made
//! of the values. A fingerprint is never a value itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    diff::{FINGERPRINT, Redactor},
    values::{self, Values},
    yaml,
};

/// The secrets of values, by their fingerprints.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    known: BTreeMap<String, Value>,
}

impl Secrets {
    /// Puts every secret back in the place of its fingerprint.
    ///
    /// # Errors
    /// The text that holds a fingerprint which stands for nothing.
    pub fn restore(&self, values: &mut Values) -> Result<(), String> {
        values.values_mut().try_for_each(|value| self.put_back(value))
    }

    fn put_back(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::Object(entries) => entries.values_mut().try_for_each(|value| self.put_back(value)),
            Value::Array(items) => items.iter_mut().try_for_each(|value| self.put_back(value)),
            Value::String(text) if text.contains(FINGERPRINT) => {
                *value = self.known.get(text.as_str()).cloned().ok_or_else(|| text.clone())?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The text with secrets in the place of their fingerprints.
    pub fn reveal(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (fingerprint, secret)| {
            let secret = on_one_line(secret);
            text.replace(&format!("\"{fingerprint}\""), &secret).replace(fingerprint, &secret)
        })
    }

    /// The text with fingerprints in the place of secrets, also of those that were typed meanwhile. Comments are lost
    /// where a secret takes several lines.
    pub fn hide(&mut self, text: &str, redactor: &Redactor) -> String {
        let Ok(given) = values::from_yaml(text) else {
            // What cannot be read holds at least the secrets that were there before.
            return self.hide_lines(text);
        };
        let mut found = redactor.hidden(&Value::Object(given));
        // Fingerprints that are there already stand for what they stood for.
        found.retain(|_, secret| !secret.as_str().is_some_and(|text| self.known.contains_key(text)));
        self.known.extend(found);
        let hidden = self.hide_lines(text);
        let shown = Value::Object(values::from_yaml(&hidden).unwrap_or_default());
        let is_shown = |value: &Value| !value.as_str().is_some_and(|text| self.known.contains_key(text));
        match redactor.hidden(&shown).values().any(is_shown) {
            true => yaml::to_string(&redactor.values(&shown)),
            false => hidden,
        }
    }

    fn hide_lines(&self, text: &str) -> String {
        text.split('\n').map(|line| self.hide_line(line)).collect::<Vec<_>>().join("\n")
    }

    /// A line `key: secret` or `- secret` with its fingerprint.
    fn hide_line(&self, line: &str) -> String {
        let indentation = line.len() - line.trim_start().len();
        let item = line.trim_start().starts_with("- ").then_some(indentation + 2);
        for start in [line.find(": ").map(|at| at + 2), item].into_iter().flatten() {
            let (head, rest) = line.split_at(start);
            let mut scalar = yaml::from_str(rest).unwrap_or_default();
            values::make_floats(&mut scalar);
            if let Some((fingerprint, _)) = self.known.iter().find(|(_, secret)| **secret == scalar) {
                return format!("{head}{fingerprint}");
            }
        }
        line.to_owned()
    }
}

/// A scalar as YAML that fits behind a key.
fn on_one_line(scalar: &Value) -> String {
    match yaml::to_string(scalar).trim_end() {
        plain if plain.contains('\n') => scalar.to_string(),
        plain => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\ndb:\n  password: correct-horse  \n  port: 5432\nkeys:\n- token: \"12\"\n- token: 13\n";

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    fn read(text: &str) -> Values {
        values::from_yaml(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn hidden(text: &str) -> (Secrets, String) {
        let mut secrets = Secrets::default();
        let shown = secrets.hide(text, &redactor());
        assert_eq!(secrets.hide(&shown, &redactor()), shown, "hiding again changes nothing");
        (secrets, shown)
    }

    #[test]
    fn what_is_hidden_is_put_back_as_it_was() {
        let (secrets, shown) = hidden(TEXT);
        assert!(shown.starts_with("# mine\ndb:\n  password: «fingerprint "), "{shown}");
        assert!(shown.contains("port: 5432") && !shown.contains("12\"") && !shown.contains("13\n"), "{shown}");
        let mut values = read(&shown);
        assert_eq!(secrets.restore(&mut values), Ok(()));
        assert_eq!(values, read(TEXT));
        assert_eq!(read(&secrets.reveal(&shown)), read(TEXT));
    }

    #[test]
    fn a_secret_of_several_lines_comes_back_on_one() {
        let text = "tls:\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    abc\n    -----END PRIVATE KEY-----\n";
        let (secrets, shown) = hidden(text);
        assert!(!shown.contains("abc"), "{shown}");
        let mut values = read(&shown);
        assert_eq!(secrets.restore(&mut values), Ok(()));
        assert_eq!(values, read(text));
        assert_eq!(read(&secrets.reveal(&shown)), read(text));
    }

    #[test]
    fn a_fingerprint_that_stands_for_nothing_is_no_value() {
        let (secrets, shown) = hidden(TEXT);
        let part = shown.replace("password: «", "password: x«");
        assert!(secrets.restore(&mut read(&part)).is_err_and(|text| text.starts_with("x«fingerprint ")));
        let unknown = "token: «fingerprint 00000000»\n";
        assert_eq!(secrets.restore(&mut read(unknown)), Err("«fingerprint 00000000»".to_owned()));
    }

    #[test]
    fn a_text_that_cannot_be_read_hides_what_was_known() {
        let (mut secrets, shown) = hidden(TEXT);
        let broken = format!("{}oops: [", secrets.reveal(&shown));
        assert!(!secrets.hide(&broken, &redactor()).contains("horse"));
    }
}
