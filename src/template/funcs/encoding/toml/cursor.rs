//! The characters of a TOML text and the lexer's rules for strings (BurntSushi's `lex.go`), with Go's count of lines
//! in errors.

use crate::template::fmt;

/// What is wrong, and in which line Go says it is.
pub(super) struct Trouble {
    pub message: String,
    pub line: usize,
}

pub(super) struct Cursor<'a> {
    text: &'a str,
    /// The byte after the text that is no UTF-8.
    bad: Option<u8>,
    /// Where the current token starts.
    start: usize,
    pos: usize,
    pub line: usize,
    at_end: bool,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Self { text, bad: bytes.get(text.len()).copied(), start: 0, pos: 0, line: 1, at_end: false }
    }

    /// The next character, `None` at the end.
    pub fn next(&mut self) -> Result<Option<char>, Trouble> {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let Some(char) = rest.chars().next() else {
            self.at_end = self.bad.is_none();
            return self.bad.map_or(Ok(None), |byte| Err(self.error(format!("invalid UTF-8 byte: 0x{byte:02x}"))));
        };
        let is_control = char.is_ascii_control() && !matches!(char, '\t' | '\r' | '\n');
        if is_control || (char == '\r' && !rest.starts_with("\r\n")) {
            let code = u32::from(char);
            return Err(self.error(format!("TOML files cannot contain control characters: '0x{code:02x}'")));
        }
        self.line += usize::from(char == '\n');
        self.pos += char.len_utf8();
        Ok(Some(char))
    }

    /// Takes the last character back; at the end there was none.
    pub fn back(&mut self) {
        if std::mem::take(&mut self.at_end) {
            return;
        }
        if let Some(char) = self.text.get(..self.pos).and_then(|text| text.chars().next_back()) {
            self.pos -= char.len_utf8();
            self.line -= usize::from(char == '\n');
        }
    }

    pub fn peek(&mut self) -> Result<Option<char>, Trouble> {
        let next = self.next()?;
        self.back();
        Ok(next)
    }

    pub fn accept(&mut self, wanted: char) -> Result<bool, Trouble> {
        let found = self.next()? == Some(wanted);
        if !found {
            self.back();
        }
        Ok(found)
    }

    /// Skips what fits.
    pub fn skip(&mut self, fits: impl Fn(char) -> bool) -> Result<(), Trouble> {
        while self.next()?.is_some_and(&fits) {}
        self.back();
        Ok(())
    }

    pub fn skip_blanks(&mut self) -> Result<(), Trouble> {
        self.skip(is_blank)
    }

    /// Skips the rest of a line.
    pub fn skip_comment(&mut self) -> Result<(), Trouble> {
        self.skip(|char| !is_break(char))
    }

    /// Starts a token here.
    pub fn start(&mut self) {
        self.start = self.pos;
    }

    /// The token so far.
    pub fn token(&self) -> &'a str {
        self.text.get(self.start..self.pos).unwrap_or_default()
    }

    pub fn trouble(&self, message: impl Into<String>, line: usize) -> Trouble {
        Trouble { message: message.into(), line }
    }

    /// At the end of a text that ends with a line break, the line before counts.
    pub fn error(&self, message: impl Into<String>) -> Trouble {
        let after_break = self.at_end && self.text.ends_with('\n');
        self.trouble(message, self.line - usize::from(after_break))
    }

    /// Go means the line before, which is one too few where the line break was not read.
    pub fn error_before(&self, message: impl Into<String>) -> Trouble {
        self.trouble(message, self.line - 1)
    }

    pub fn unexpected(&self, before: &str, found: Option<char>, after: &str) -> Trouble {
        self.error(format!("{before}{}{after}", quoted(found)))
    }

    /// A string of one line after its opening quote.
    pub fn string(&mut self, quote: char) -> Result<String, Trouble> {
        self.start();
        loop {
            match self.next()? {
                None if quote == '"' => return Err(self.error("unexpected EOF; expected '\"'")),
                None => return Err(self.error("unexpected EOF; expected \"'\"")),
                Some('\n' | '\r') => return Err(self.error_before("strings cannot contain newlines")),
                Some('\\') if quote == '"' => self.escape()?,
                Some(char) if char == quote => break,
                Some(_) => {}
            }
        }
        self.back();
        let text = self.token();
        let text = if quote == '"' { self.unescaped(text)? } else { text.to_owned() };
        self.next()?;
        Ok(text)
    }

    /// A string of several lines after its opening quotes.
    pub fn long_string(&mut self, quote: char) -> Result<String, Trouble> {
        self.start();
        loop {
            match self.next()? {
                None if quote == '"' => return Err(self.error("unexpected EOF; expected '\"\"\"'")),
                None => return Err(self.error("unexpected EOF; expected \"'''\"")),
                Some('\\') if quote == '"' => {
                    if !self.next()?.is_some_and(is_break) {
                        self.back();
                        self.escape()?;
                    }
                }
                Some(char) if char == quote && self.ends(quote)? => break,
                Some(_) => {}
            }
        }
        let text = self.token();
        let text = text.strip_prefix('\n').or_else(|| text.strip_prefix("\r\n")).unwrap_or(text);
        let text = if quote == '"' { self.unescaped(text)? } else { text.to_owned() };
        for _ in 0..3 {
            self.next()?;
        }
        Ok(text)
    }

    /// Whether a quote just read is the first of the last three, which are taken back then: up to two more may stand
    /// before them.
    fn ends(&mut self, quote: char) -> Result<bool, Trouble> {
        if !self.accept(quote)? {
            return Ok(false);
        }
        if !self.accept(quote)? {
            self.back();
            return Ok(false);
        }
        if self.peek()? == Some(quote) {
            let token = self.token();
            if quote == '"' && token.ends_with("\"\"\"\"\"") && !token.ends_with("\\\"\"\"\"\"") {
                return Err(self.error("unexpected '\"\"\"\"\"\"'"));
            }
            if token.ends_with("'''''") {
                return Err(self.error("unexpected \"''''''\""));
            }
            self.back();
            self.back();
            return Ok(false);
        }
        for _ in 0..3 {
            self.back();
        }
        Ok(true)
    }

    /// Checks what follows a backslash.
    fn escape(&mut self) -> Result<(), Trouble> {
        let (count, word, letter) = match self.next()? {
            Some('b' | 't' | 'n' | 'f' | 'r' | 'e' | '"' | '\\' | ' ' | '\t') => return Ok(()),
            Some('x') => (2, "two", 'x'),
            Some('u') => (4, "four", 'u'),
            Some('U') => (8, "eight", 'U'),
            found => {
                let message = format!("invalid escape in string '\\{}'", found.unwrap_or('\0'));
                return Err(if self.at_end { self.error_before(message) } else { self.error(message) });
            }
        };
        for _ in 0..count {
            if !self.next()?.is_some_and(|char| char.is_ascii_hexdigit()) {
                let found = fmt::quote(self.token().as_bytes());
                return Err(self
                    .error(format!("expected {word} hexadecimal digits after '\\{letter}', but got {found} instead")));
            }
        }
        Ok(())
    }

    /// A checked string with its escapes replaced.
    fn unescaped(&self, text: &str) -> Result<String, Trouble> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\\') {
            out.push_str(before);
            let next_line = after.trim_start_matches([' ', '\t', '\r', '\n']);
            if after[..after.len() - next_line.len()].contains('\n') {
                rest = next_line;
                continue;
            }
            let mut chars = after.chars();
            let digits = match chars.next() {
                Some(char @ (' ' | '\t')) => return Err(self.error(format!("invalid escape: '\\{char}'"))),
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(char) => {
                    out.push(simple_escape(char));
                    0
                }
                None => 0,
            };
            rest = chars.as_str();
            if digits > 0 {
                let (code, after) = rest.split_at_checked(digits).unwrap_or((rest, ""));
                let char = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                out.push(char.ok_or_else(|| self.error(format!("Escaped character '\\u{code}' is not valid UTF-8.")))?);
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn simple_escape(char: char) -> char {
    match char {
        'b' => '\x08',
        't' => '\t',
        'n' => '\n',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        other => other,
    }
}

/// `%q` of a character; Go's lexer has a NUL for the end.
pub(super) fn quoted(char: Option<char>) -> String {
    fmt::quoted_rune(char.unwrap_or('\0'), false)
}

pub(super) fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

pub(super) fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r')
}
