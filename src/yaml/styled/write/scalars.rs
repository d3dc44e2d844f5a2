//! How a scalar is written: the style that was asked for, or one that can hold it.

use std::mem;

use super::{Emitter, Place};
use crate::yaml::{
    Dialect, is_break,
    styled::{Node, Style},
    write::{Shape, double_quoted, escape, is_blank},
};

impl Emitter {
    pub(super) fn scalar(&mut self, node: &Node, value: &str, style: Style, place: Place) {
        self.properties(node);
        self.increase_indent(true, place, false);
        match self.style(value, style, place) {
            Style::Plain => self.plain(value),
            Style::SingleQuoted => self.single_quoted(value),
            Style::DoubleQuoted => self.double_quoted(value),
            Style::Literal => self.literal(value),
            Style::Folded => self.folded(value),
        }
        self.decrease_indent();
    }

    /// The style that was asked for, or one that can hold the value.
    fn style(&self, value: &str, mut style: Style, place: Place) -> Style {
        let shape = Shape::of(value, Dialect::V3);
        let flow = self.flow > 0;
        if style == Style::Plain && value.contains('\n') {
            style = Style::Literal;
        }
        if place == Place::Key && shape.multiline {
            style = Style::DoubleQuoted;
        }
        let plain_allowed = if flow { shape.flow_plain_allowed } else { shape.plain_allowed };
        let empty = value.is_empty() && (flow || place == Place::Key);
        if style == Style::Plain && (empty || !(plain_allowed || value.is_empty())) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !shape.single_quoted_allowed {
            style = Style::DoubleQuoted;
        }
        let block = matches!(style, Style::Literal | Style::Folded);
        if block && (value.is_empty() || !shape.block_allowed || flow || place == Place::Key) {
            style = Style::DoubleQuoted;
        }
        style
    }

    fn plain(&mut self, value: &str) {
        if !value.is_empty() {
            self.space();
        }
        self.put(value);
        if !value.is_empty() {
            self.whitespace = false;
        }
        self.indention = false;
    }

    fn single_quoted(&mut self, value: &str) {
        self.indicator("'", true, false, false);
        let mut breaks = false;
        for char in value.chars() {
            if is_break(char) {
                if !breaks && char == '\n' {
                    self.put_break();
                }
                self.copy_break(char);
                breaks = true;
                continue;
            }
            if breaks && char != ' ' {
                self.new_line();
                breaks = false;
            }
            self.put(if char == '\'' { "'" } else { "" });
            self.put_char(char);
            if char != ' ' {
                self.indention = false;
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, value: &str) {
        self.indicator("\"", true, false, false);
        // Go asks whether the whole text starts with a byte order mark and then escapes all of it.
        let write = if value.starts_with('\u{feff}') { escape } else { double_quoted };
        let mut text = String::with_capacity(value.len());
        value.chars().for_each(|char| write(&mut text, char));
        self.put(&text);
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, value: &str) {
        self.block_header("|", value);
        let mut breaks = true;
        for char in value.chars() {
            if is_break(char) {
                self.copy_break(char);
                breaks = true;
                continue;
            }
            if mem::take(&mut breaks) {
                self.new_line();
            }
            self.put_char(char);
            self.indention = false;
        }
    }

    fn folded(&mut self, value: &str) {
        self.block_header(">", value);
        let (mut breaks, mut leading_spaces) = (true, true);
        // Go looks at the start of the whole text where it means what follows the break.
        let starts_blank = value.trim_start_matches(is_break).chars().next().is_none_or(is_blank);
        for char in value.chars() {
            if is_break(char) {
                if !breaks && !leading_spaces && char == '\n' && !starts_blank {
                    self.put_break();
                }
                self.copy_break(char);
                breaks = true;
                continue;
            }
            if mem::take(&mut breaks) {
                self.new_line();
                leading_spaces = matches!(char, ' ' | '\t');
            }
            self.put_char(char);
            self.indention = false;
        }
    }

    /// `|` or `>`, with what tells the indent and the line breaks at the end, and a comment.
    fn block_header(&mut self, indicator: &str, value: &str) {
        self.indicator(indicator, true, false, false);
        if value.starts_with(|char| char == ' ' || is_break(char)) {
            self.indicator("2", false, false, false);
        }
        let mut from_end = value.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.indicator("-", false, false, false),
            (true, true) => self.indicator("+", false, false, false),
            (true, false) => {}
        }
        self.line_comment(true);
        self.whitespace = true;
    }
}
