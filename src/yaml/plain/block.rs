//! Literal and folded blocks.

use super::{super::Tree, Reader};

impl<'a> Reader<'a> {
    /// A literal block below this column. Stops at the start of a line.
    pub(super) fn literal<T: Tree>(&mut self, column: usize) -> Option<T> {
        let chomp = self.block_header()?;
        let mut text = String::new();
        if let Some(indent) = self.block_indent(column)? {
            while let Some(line) = self.block_line(indent)? {
                if T::IS_KEPT {
                    text.push_str(line);
                }
            }
        } else if chomp == Some(b'+') {
            return None;
        }
        let content = text.trim_end_matches('\n').len();
        match chomp {
            Some(b'-') => text.truncate(content),
            Some(_) => {}
            // The break that ends the last line with content stays, where the text did not end before it.
            None => text.truncate(text.len().min(content + 1)),
        }
        Some(T::text(&text))
    }

    /// A folded block below this column, whose lines are all as deep. Stops at the start of a line.
    pub(super) fn folded<T: Tree>(&mut self, column: usize) -> Option<T> {
        let chomp = self.block_header()?;
        let indent = self.block_indent(column)??;
        let (mut text, mut breaks, mut is_ended) = (String::new(), 0, false);
        while let Some(line) = self.block_line(indent)? {
            let content = line.strip_suffix('\n');
            is_ended = content.is_some();
            match content.unwrap_or(line) {
                "" => breaks += 1,
                content if content.starts_with([' ', '\t']) => return None,
                content => {
                    match (text.is_empty(), breaks) {
                        (true, 0) => {}
                        (true, _) => return None,
                        (false, 0) => text.push(' '),
                        (false, _) => text.extend(std::iter::repeat_n('\n', breaks)),
                    }
                    text.push_str(content);
                    breaks = 0;
                }
            }
        }
        match chomp {
            Some(b'-') => {}
            Some(_) => return None,
            None if is_ended => text.push('\n'),
            None => {}
        }
        Some(T::text(&text))
    }

    /// `|` or `>`, and the sign behind it if there is one.
    fn block_header(&mut self) -> Option<Option<u8>> {
        self.at += 1;
        let sign = self.peek().filter(|byte| matches!(byte, b'-' | b'+'));
        self.at += usize::from(sign.is_some());
        self.end_line()?;
        Some(sign)
    }

    /// How deep a literal or folded block stands: as its first line that is not empty; `None` within where there is none.
    fn block_indent(&self, column: usize) -> Option<Option<usize>> {
        let mut at = self.at;
        let mut widest = 0;
        loop {
            let start = at;
            while self.byte(at) == Some(b' ') {
                at += 1;
            }
            let indent = at - start;
            match self.byte(at) {
                Some(b'\n') => widest = widest.max(indent),
                Some(b'\t') => return None,
                Some(_) if indent > column => return (indent >= widest).then_some(Some(indent)),
                Some(_) => return Some(None),
                None => return (indent == 0).then_some(None),
            }
            at += 1;
        }
    }

    /// The next line of a literal or folded block with its line break; `None` after the last.
    fn block_line(&mut self, indent: usize) -> Option<Option<&'a str>> {
        let start = self.at;
        if start == self.bytes.len() {
            return Some(None);
        }
        let spaces = self.bytes[start..].iter().take(indent).take_while(|byte| **byte == b' ').count();
        let at = start + spaces;
        let content = match self.byte(at) {
            // So few spaces at the very end are no line.
            None => {
                self.at = at;
                return Some(None);
            }
            Some(b'\t') if spaces < indent => return None,
            Some(b'\n') => at,
            Some(_) if spaces < indent => return Some(None),
            Some(_) => at,
        };
        self.skip_line();
        let line = &self.text[content..self.at];
        let blank_end = self.at == self.bytes.len() && !line.ends_with('\n') && line.trim_matches(' ').is_empty();
        if blank_end { None } else { Some(Some(line)) }
    }
}
