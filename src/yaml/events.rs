//! The parser's events, with its errors in Go's words and its weak spots covered.

use std::{
    borrow::Cow,
    io::{Chain, Cursor, Read},
    sync::LazyLock,
};

use libyaml_safer::{Encoding, ErrorKind, Event, EventData, Mark, Parser, ScalarStyle, Scanner, TokenData};
use regex::Regex;

use super::{Dialect, Error, is_break};

/// What the parser reads: the text, and a line break after it where it ends without one, since the parser does not
/// expect an end inside a line.
type Input<'a> = Chain<Cursor<Cow<'a, [u8]>>, &'static [u8]>;

/// Stands for colons that the parser would refuse. Texts that have this character of nobody's are read as they are.
const HIDDEN_COLON: char = '\u{e000}';
/// How many colons are hidden: for each the text is read from the start.
const MAX_HIDDEN: usize = 100;

/// The events of a text, until the first error.
pub(super) struct Events<'a> {
    parser: Parser<Input<'a>>,
    text: Cow<'a, str>,
    hides_colons: bool,
    /// What is wrong with the text where the parser would not survive it.
    rejected: Option<Error>,
    stopped: bool,
    dialect: Dialect,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self::of(text, Dialect::Json)
    }

    /// As [`Events::new`], with the errors of go-yaml v3.
    pub(super) fn v3(text: &'a str) -> Self {
        Self::of(text, Dialect::V3)
    }

    fn of(text: &'a str, dialect: Dialect) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rejected = tag_before_comma(text, dialect);
        let hidden = if rejected.is_none() && dialect == Dialect::Json { hide_colons(text) } else { None };
        let hides_colons = hidden.is_some();
        let text = hidden.map_or(Cow::Borrowed(text), Cow::Owned);
        Self { parser: parser(text.clone()), text, hides_colons, rejected, stopped: false, dialect }
    }

    /// Goes on until a document ends.
    pub(super) fn skip_document(&mut self) -> Result<(), Error> {
        while !matches!(self.next()?.data, EventData::DocumentEnd { .. } | EventData::StreamEnd) {}
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Event, Error> {
        let event = match self.rejected.take() {
            Some(error) => Err(error),
            None => self.parser.parse().map_err(|error| syntax(&error, &self.text, self.dialect)),
        };
        self.stopped |= event.is_err();
        let mut event = event?;
        if let EventData::Scalar { value, style, .. } = &mut event.data {
            if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                self.without_added_break(value, event.end_mark);
            }
            if self.hides_colons {
                *value = value.replace(HIDDEN_COLON, ":");
            }
        }
        Ok(event)
    }

    /// Ends the events: what follows an error of the caller's is not worth a look.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Go parses a whole document before it decodes: where both fail, its error is the parser's.
    pub(super) fn first(&mut self, error: Error) -> Error {
        while !self.stopped {
            match self.next().map(|event| event.data) {
                Ok(EventData::DocumentEnd { .. } | EventData::StreamEnd) => break,
                Ok(_) => {}
                Err(syntax) => return syntax,
            }
        }
        error
    }

    /// A block scalar that runs to the end of a text without a last line break must not gain one.
    pub(super) fn without_added_break(&self, value: &mut String, end: Mark) {
        let at_end = usize::try_from(end.index).is_ok_and(|end| end >= self.text.len());
        let last_line = self.text.rsplit(is_break).next().unwrap_or_default();
        let of_last_line = !last_line.trim_matches(' ').is_empty() || value.ends_with("\n\n") || value.ends_with(" \n");
        if at_end && !last_line.is_empty() && of_last_line && value.ends_with('\n') {
            value.pop();
        }
    }
}

/// An error of what was read at a place.
pub(super) fn failure(mark: Mark, words: &str) -> Error {
    let from_one = |place: u64| usize::try_from(place).map_or(0, |place| place + 1);
    Error {
        message: format!("error converting YAML to JSON: {words}"),
        line: from_one(mark.line),
        column: from_one(mark.column),
    }
}

/// A scanner's or parser's error. Go prints the line from zero for a parser's error, from one for a scanner's,
/// and none on the first line or for the reader. v3 names the line where what is wrong began, v2 where it was found.
fn syntax(error: &libyaml_safer::Error, text: &str, dialect: Dialect) -> Error {
    let mut problem = error.problem_mark().unwrap_or_default();
    if error.problem() == "found unexpected end of stream" {
        // Where a line break was added, the end is one line further than Go sees it.
        problem.line = problem.line.min(text.matches('\n').count() as u64);
    }
    let context = error.context_mark().unwrap_or_default();
    let of_scanner = u64::from(error.kind() == ErrorKind::Scanner);
    let go_line = match (dialect, problem.line, context.line) {
        (Dialect::Json, 0, line) | (Dialect::V3, 0, line @ 0) => line,
        (Dialect::Json, line, _) | (Dialect::V3, line, 0) | (Dialect::V3, _, line) => line + of_scanner,
    };
    let words = error.problem();
    let message = if go_line == 0 { format!("yaml: {words}") } else { format!("yaml: line {go_line}: {words}") };
    let failure = failure(problem, &message);
    if dialect == Dialect::V3 { Error { message, ..failure } } else { failure }
}

fn parser(text: Cow<'_, str>) -> Parser<Input<'_>> {
    let mut parser = Parser::new();
    // The encoding is known, and detection would mistake other characters for a byte order mark.
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(input(text));
    parser
}

fn input(text: Cow<'_, str>) -> Input<'_> {
    let end: &[u8] = if text.ends_with(is_break) { b"" } else { b"\n" };
    let bytes = match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    };
    Cursor::new(bytes).chain(end)
}

/// The text without the colons that the parser refuses in a scalar of a flow collection since a bracket or a comma follows
/// (`[a:, b]`), where Go takes them as they are. Nothing where there are none.
fn hide_colons(text: &str) -> Option<String> {
    // In front of JSON's are quotes.
    static SUSPECT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"[^"']:[,\[\]{}]"#).expect("a constant pattern"));
    if !SUSPECT.is_match(text) || text.contains(HIDDEN_COLON) {
        return None;
    }
    let mut hidden = None;
    for _ in 0..MAX_HIDDEN {
        let text = hidden.as_deref().unwrap_or(text);
        let Some(colon) = refused_colon(text) else { break };
        hidden = Some(format!("{}{HIDDEN_COLON}{}", &text[..colon], &text[colon + 1..]));
    }
    hidden
}

/// Where the first colon is that the parser refuses, if that is what it refuses.
fn refused_colon(text: &str) -> Option<usize> {
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(input(text.into()));
    let error = scanner.find_map(Result::err).filter(|error| error.problem() == "found unexpected ':'")?;
    let place = usize::try_from(error.problem_mark()?.index).ok()?;
    // A question mark is refused by Go as well.
    text.get(place..).filter(|rest| rest.starts_with(':') && !rest.starts_with(":?")).map(|_| place)
}

/// The parser panics at a tag that is followed by a comma (`[!a, b]`), which Go takes for a part of the tag. Such
/// a tag is refused; to know it from the same characters in a scalar, the tokens of the text with a space before
/// each of these commas are asked.
fn tag_before_comma(text: &str, dialect: Dialect) -> Option<Error> {
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"!(?:(?:<[^>\s]*>|[^\s,<])[^\s,]*)?,").expect("a constant pattern"));
    let mut spaced = String::new();
    let mut spaces = Vec::new();
    let mut copied = 0;
    for found in TAG.find_iter(text) {
        spaced.push_str(&text[copied..found.end() - 1]);
        spaces.push(spaced.len() as u64);
        spaced.push(' ');
        copied = found.end() - 1;
    }
    if spaces.is_empty() {
        return None;
    }
    spaced.push_str(&text[copied..]);
    spaced.push('\n');
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(spaced.as_bytes());
    for token in scanner {
        let token = match token {
            Ok(token) => token,
            // Tokens before the error may have been held back, such a tag among them.
            Err(error) => return Some(syntax(&error, text, dialect)),
        };
        if matches!(token.data, TokenData::Tag { .. }) && spaces.binary_search(&token.end_mark.index).is_ok() {
            let line = token.start_mark.line + 1;
            let words = format!("yaml: line {line}: did not find expected whitespace or line break");
            return Some(failure(token.start_mark, &words));
        }
    }
    None
}
