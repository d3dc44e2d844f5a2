//! The comments between the tokens of a text, and the token that each belongs to (`yaml_parser_scan_comments`,
//! `yaml_parser_scan_line_comment` and `yaml_parser_unroll_indent` of go-yaml v3's `scannerc.go`).

use std::mem;

use libyaml_safer::{ScalarStyle, Token as Scanned, TokenData};

/// How far Go looks for the next comment over blank space.
const FAR: usize = 512;

/// A token, and where Go sees it begin.
pub(super) struct Token {
    pub(super) data: TokenData,
    pub(super) start: i64,
}

/// A comment that comes before or with a token.
#[derive(Default)]
pub(super) struct Comment {
    /// From which token on the parser takes it.
    pub(super) token: i64,
    pub(super) head: String,
    pub(super) line: String,
    pub(super) foot: String,
    start: Mark,
    /// Where the search that found it began and ended.
    scan: i64,
    end: i64,
}

#[derive(Clone, Copy, Default)]
struct Mark {
    index: i64,
    line: i64,
    column: i64,
}

/// The tokens with Go's places, and the comments between them.
pub(super) fn collect(text: &str, scanned: Vec<Scanned>) -> (Vec<Token>, Vec<Comment>) {
    let mut scan = Scan {
        text: text.as_bytes(),
        at: Mark::default(),
        newlines: 0,
        indent: -1,
        indents: Vec::new(),
        flow: 0,
        tokens: Vec::with_capacity(scanned.len()),
        ends: Vec::new(),
        comments: Vec::new(),
    };
    scanned.into_iter().for_each(|token| scan.token(token));
    (scan.tokens, scan.comments)
}

struct Scan<'a> {
    text: &'a [u8],
    at: Mark,
    /// Line breaks since the last character that is not blank.
    newlines: i64,
    /// The column of the innermost block, and of those around it.
    indent: i64,
    indents: Vec<i64>,
    flow: usize,
    tokens: Vec<Token>,
    /// Ends of blocks that came before the next token.
    ends: Vec<TokenData>,
    comments: Vec<Comment>,
}

impl Scan<'_> {
    fn token(&mut self, scanned: Scanned) {
        let start = index(scanned.start_mark.index);
        let end = index(scanned.end_mark.index);
        match scanned.data {
            TokenData::BlockEnd => return self.ends.push(TokenData::BlockEnd),
            TokenData::Key | TokenData::BlockMappingStart | TokenData::BlockSequenceStart if start == end => {
                self.reach(start, false);
                if !matches!(scanned.data, TokenData::Key) {
                    self.indents.push(mem::replace(&mut self.indent, index(scanned.start_mark.column)));
                }
                return self.tokens.push(Token { data: scanned.data, start });
            }
            _ => {}
        }
        let outside = matches!(scanned.data, TokenData::StreamEnd | TokenData::DocumentStart | TokenData::DocumentEnd);
        self.reach(start, outside);
        let own = Mark { index: start, ..self.at };
        let before = self.tokens.last().map_or(start, |token| token.start);
        let comment_at = match scanned.data {
            TokenData::Value if self.flow == 0 => before,
            TokenData::FlowEntry => before,
            _ => own.index,
        };
        match scanned.data {
            TokenData::FlowSequenceStart | TokenData::FlowMappingStart => self.flow += 1,
            TokenData::FlowSequenceEnd | TokenData::FlowMappingEnd => self.flow = self.flow.saturating_sub(1),
            _ => {}
        }
        self.pass(&scanned.data, end);
        let bare = outside
            || matches!(
                scanned.data,
                TokenData::BlockEntry
                    | TokenData::StreamStart { .. }
                    | TokenData::VersionDirective { .. }
                    | TokenData::TagDirective { .. }
            );
        self.tokens.push(Token { data: scanned.data, start });
        if !bare {
            self.line_comment(comment_at);
        }
    }

    /// Goes over blank space and comments to the next token, and ends blocks before it.
    fn reach(&mut self, start: i64, outside: bool) {
        let scan = self.at;
        while self.at.index < start {
            match self.byte(0) {
                Some(b'#') => self.comments(scan),
                Some(_) if self.at_break() => self.skip_line(),
                Some(_) => self.skip(),
                None => break,
            }
        }
        let mut ends = mem::take(&mut self.ends).into_iter().peekable();
        let column = self.at.column;
        self.unroll(scan.index, &mut ends, |indent| indent > column);
        if outside {
            self.unroll(self.at.index, &mut ends, |_| true);
        } else {
            self.unroll(scan.index, &mut ends, |_| true);
        }
    }

    /// Ends blocks; before the comments that stand at the column of the block, as they belong to what is around it.
    fn unroll(
        &mut self,
        scan: i64,
        ends: &mut std::iter::Peekable<std::vec::IntoIter<TokenData>>,
        ended: impl Fn(i64) -> bool,
    ) {
        let mut block = scan - 1;
        while ended(self.indent)
            && let Some(data) = ends.next()
        {
            let mut stop = block;
            for comment in self.comments.iter().rev() {
                if comment.end < stop {
                    break;
                }
                if comment.start.column == self.indent + 1 {
                    block = comment.start.index;
                }
                stop = comment.scan;
            }
            self.tokens.push(Token { data, start: block });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Goes to where Go's scanner stands after a token.
    fn pass(&mut self, data: &TokenData, end: i64) {
        let header = matches!(data, TokenData::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. });
        let start = self.at.index;
        if header {
            while self.byte(0).is_some_and(|byte| byte != b'#') && !self.at_break() {
                self.skip();
            }
            self.line_comment(start);
        }
        while self.at.index < end && self.byte(0).is_some() {
            if self.at_break() { self.skip_line() } else { self.skip() }
        }
        if header {
            while self.byte(0) == Some(b' ') {
                self.skip();
            }
        }
        if matches!(data, TokenData::Scalar { style: ScalarStyle::Plain, .. }) {
            while let Some(byte) = self.byte(0) {
                match byte {
                    b' ' | b'\t' => self.skip(),
                    _ if self.at_break() => self.skip_line(),
                    _ => break,
                }
            }
        }
    }

    /// A comment behind a token.
    fn line_comment(&mut self, token: i64) {
        if self.newlines > 0 {
            return;
        }
        let blank = (0..FAR).take_while(|at| matches!(self.byte(*at), Some(b' ' | b'\t'))).count();
        if self.byte(blank) != Some(b'#') {
            return;
        }
        (0..blank).for_each(|_| self.skip());
        let start = self.at;
        let line = self.rest_of_line();
        self.comments.push(Comment { token, start, line, ..Comment::default() });
    }

    /// Comments on lines of their own: those below a token are its foot, those above the next one its head.
    fn comments(&mut self, mut scan: Mark) {
        let (token, is_value) = self.token_before();
        let mut token_at = token;
        let mut start = Mark::default();
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = self.newlines <= 1;
        let (mut line, mut column) = (self.at.line, self.at.column);
        let mut text = String::new();
        let foot_line = match scan.line {
            0 => -1,
            _ => self.at.line - self.newlines + 1 + i64::from(self.newlines == 0 && self.at.column > 1),
        };
        let mut peek = 0;
        while peek < FAR {
            column += 1;
            let byte = self.byte(peek);
            if matches!(byte, Some(b' ' | b'\t')) {
                peek += 1;
                continue;
            }
            let here = Mark { index: self.at.index + index(peek as u64), line, column };
            let closes = self.flow > 0 && matches!(byte, Some(b']' | b'}'));
            let breaks = matches!(byte, Some(b'\n' | b'\r'));
            if closes || breaks || byte.is_none() {
                let dedented = start.column - 1 < next_indent;
                let is_foot = closes || first_empty && (start.line == foot_line && !is_value || dedented);
                if (closes || !recent_empty) && !text.is_empty() {
                    if is_foot {
                        let token = if dedented { start.index } else { token_at };
                        self.foot(token, scan, start, here, mem::take(&mut text));
                        scan = here;
                        token_at = here.index;
                    } else if byte.is_some() {
                        text.push('\n');
                    }
                }
                if !breaks {
                    break;
                }
                (first_empty, recent_empty, column) = (false, true, 0);
                line += 1;
                peek += 1;
                continue;
            }
            if !text.is_empty() && column - 1 < next_indent && column != start.column {
                self.foot(token_at, scan, start, here, mem::take(&mut text));
                scan = here;
                token_at = here.index;
            }
            if byte != Some(b'#') {
                break;
            }
            if text.is_empty() {
                start = here;
            } else {
                text.push('\n');
            }
            recent_empty = false;
            while self.at.index < here.index {
                if self.at_break() { self.skip_line() } else { self.skip() }
            }
            text.push_str(&self.rest_of_line());
            // The break that ends the comment's line is no empty line.
            peek = 1;
            (column, line) = (0, self.at.line);
            next_indent = self.indent.max(0);
        }
        if !text.is_empty() {
            let end = self.at.index + index(peek as u64) - 1;
            let head = text;
            self.comments.push(Comment {
                token: start.index,
                scan: scan.index,
                start,
                end,
                head,
                ..Comment::default()
            });
        }
    }

    fn foot(&mut self, token: i64, scan: Mark, start: Mark, end: Mark, foot: String) {
        self.comments.push(Comment { token, scan: scan.index, start, end: end.index, foot, ..Comment::default() });
    }

    /// Where the token before begins, and whether it is the `:` of a mapping. A comma stands for what is before it.
    fn token_before(&self) -> (i64, bool) {
        let mut tokens = self.tokens.iter().rev();
        let last = tokens.next();
        let token = match last.map(|token| &token.data) {
            Some(TokenData::FlowEntry) => tokens.next().or(last),
            _ => last,
        };
        token.map_or((0, false), |token| (token.start, matches!(token.data, TokenData::Value)))
    }

    fn rest_of_line(&mut self) -> String {
        let start = self.at.index;
        while self.byte(0).is_some() && !self.at_break() {
            self.skip();
        }
        let line = |at: i64| usize::try_from(at).unwrap_or(self.text.len());
        let bytes = self.text.get(line(start)..line(self.at.index)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        let at = usize::try_from(self.at.index).ok()?;
        self.text.get(at + ahead).copied()
    }

    fn at_break(&self) -> bool {
        let at = usize::try_from(self.at.index).unwrap_or(self.text.len());
        let rest = self.text.get(at..).unwrap_or_default();
        [b"\n".as_slice(), b"\r", "\u{85}".as_bytes(), "\u{2028}".as_bytes(), "\u{2029}".as_bytes()]
            .iter()
            .any(|breaks| rest.starts_with(breaks))
    }

    fn skip(&mut self) {
        let byte = self.byte(0).unwrap_or_default();
        if !matches!(byte, b' ' | b'\t') {
            self.newlines = 0;
        }
        self.at.index += 1;
        // What continues a character takes no column.
        while self.byte(0).is_some_and(|byte| byte & 0xc0 == 0x80) {
            self.at.index += 1;
        }
        self.at.column += 1;
    }

    fn skip_line(&mut self) {
        let newlines = self.newlines + 1;
        let pair = (self.byte(0), self.byte(1)) == (Some(b'\r'), Some(b'\n'));
        self.skip();
        if pair {
            self.skip();
        }
        self.newlines = newlines;
        self.at.line += 1;
        self.at.column = 0;
    }
}

fn index(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
