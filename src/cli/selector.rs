//! Label selectors of `--selector`, read and refused as Kubernetes does (`k8s.io/apimachinery/pkg/labels`).

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// Requirements that all must hold.
#[derive(Debug, PartialEq)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, PartialEq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Selector {
    /// Reads a selector; the error is Kubernetes' sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { words: words(text).into_iter().peekable() };
        let mut requirements = Vec::new();
        if reader.words.peek().is_none() {
            return Ok(Self(requirements));
        }
        if !reader.at_requirement() {
            return Err(format!("found '{}', expected: !, identifier, or 'end of string'", reader.peek()));
        }
        loop {
            let requirement = reader.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
            requirements.push(requirement);
            match reader.next().as_str() {
                "" => return Ok(Self(requirements)),
                "," if reader.at_requirement() => {}
                "," => {
                    return Err(format!("found '{}', expected: identifier after ','", reader.peek()));
                }
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    /// Whether labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Above(bound) => number().is_some_and(|number| number > *bound),
                Test::Below(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

struct Reader {
    words: Peekable<std::vec::IntoIter<String>>,
}

impl Reader {
    /// The next word; empty at the end.
    fn next(&mut self) -> String {
        self.words.next().unwrap_or_default()
    }

    fn peek(&mut self) -> String {
        self.words.peek().cloned().unwrap_or_default()
    }

    fn at_requirement(&mut self) -> bool {
        let word = self.peek();
        word == "!" || is_identifier(&word)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut key = self.next();
        let absent = key == "!";
        if absent {
            key = self.next();
        }
        if !is_identifier(&key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if absent || matches!(self.peek().as_str(), "" | ",") {
            return Ok(Requirement { key, test: if absent { Test::Absent } else { Test::Exists } });
        }
        let test = match self.next().as_str() {
            "=" | "==" => Test::In(vec![self.value()?]),
            "!=" => Test::NotIn(vec![self.value()?]),
            "in" => Test::In(self.values()?),
            "notin" => Test::NotIn(self.values()?),
            ">" => Test::Above(self.number()?),
            "<" => Test::Below(self.number()?),
            other => {
                return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
        Ok(Requirement { key, test })
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek().as_str(), "" | ",") {
            return Ok(String::new());
        }
        let word = self.next();
        if is_identifier(&word) { Ok(word) } else { Err(format!("found '{word}', expected: identifier")) }
    }

    fn number(&mut self) -> Result<i64, String> {
        let word = self.value()?;
        word.parse().map_err(|_| {
            format!("values[0]: Invalid value: {word:?}: for 'Gt', 'Lt' operators, the value must be an integer")
        })
    }

    /// `(a,b)`; an empty place between commas is the empty value.
    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            let value = if is_identifier(&self.peek()) { self.next() } else { String::new() };
            let empty = value.is_empty();
            values.push(value);
            match self.next().as_str() {
                ")" => return Ok(values),
                "," => {}
                other if empty => {
                    return Err(format!("found '{other}', expected: ',', or identifier"));
                }
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }
}

fn is_identifier(word: &str) -> bool {
    !word.is_empty() && !word.starts_with(is_special)
}

fn is_special(character: char) -> bool {
    matches!(character, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(first) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut word = first.to_string();
        if is_special(first) {
            if matches!(first, '=' | '!') && characters.peek() == Some(&'=') {
                word.extend(characters.next());
            }
        } else {
            take_identifier(&mut characters, &mut word);
        }
        words.push(word);
    }
    words
}

fn take_identifier(characters: &mut Peekable<Chars<'_>>, word: &mut String) {
    while let Some(next) = characters.next_if(|next| !next.is_whitespace() && !is_special(*next)) {
        word.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of two releases' labels match, as `helm list -l` listed them.
    #[track_caller]
    fn check(selector: &str, expected: &[&str]) {
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let web = labels(&[("owner", "helm"), ("team", "a"), ("tier", "front"), ("modifiedAt", "1795223810")]);
        let berlin = labels(&[("owner", "helm"), ("modifiedAt", "1795223815")]);
        let selector = Selector::parse(selector).unwrap();
        let found: Vec<&str> = [("berlin", berlin), ("web", web)]
            .iter()
            .filter(|(_, labels)| selector.matches(labels))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_error(selector: &str, expected: &str) {
        assert_eq!(Selector::parse(selector).unwrap_err(), expected);
    }

    #[test]
    fn requirements() {
        check("", &["berlin", "web"]);
        check("owner=helm", &["berlin", "web"]);
        check("team in (a,b)", &["web"]);
        check("!team", &["berlin"]);
        check("team", &["web"]);
        check("team!=a", &["berlin"]);
        check("tier notin (front)", &["berlin"]);
        check("modifiedAt>5", &["berlin", "web"]);
        check("createdAt", &[]);
        check("team=", &[]);
        check("team == a , tier=front", &["web"]);
    }

    #[test]
    fn refusals() {
        check_error("=x", "found '=', expected: !, identifier, or 'end of string'");
        check_error("a=b,,", "found ',', expected: identifier after ','");
        check_error("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
        check_error("a in x", "unable to parse requirement: found 'x' expected: '('");
        check_error("a in (b", "unable to parse requirement: found '', expected: ',' or ')'");
        check_error("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier");
        check_error("!", "unable to parse requirement: found '', expected: identifier");
    }
}
