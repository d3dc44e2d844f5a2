//! Verbs applied to values.

use super::{
    super::value::{List, Map, Object, Value},
    float,
    quote::{can_backquote, is_print, quoted, quoted_rune},
};

/// How deep values are printed. Go overflows its stack on a map that holds itself.
const MAX_DEPTH: usize = 1000;

/// The flags of a verb.
#[derive(Default, Clone)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`.
    go: bool,
}

/// Prints into a buffer.
pub(super) struct Printer<'a> {
    out: &'a mut Vec<u8>,
    pub(super) flags: Flags,
    depth: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, flags: Flags::default(), depth: 0 }
    }

    pub(super) fn clear_flags(&mut self) {
        self.flags = Flags::default();
    }

    /// For `%v`, `#` and `+` mean other things than for the other verbs.
    pub(super) fn go_syntax(&mut self, verb: char) {
        if verb == 'v' {
            self.flags.go = std::mem::take(&mut self.flags.sharp);
            self.flags.plus = false;
        }
    }

    pub(super) fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// What is wrong with a verb: `%!d(MISSING)`.
    pub(super) fn mark(&mut self, verb: char, words: &str) {
        self.text("%!");
        self.text(verb.encode_utf8(&mut [0; 4]));
        self.text(words);
    }

    /// The arguments that no verb took.
    pub(super) fn extra(&mut self, values: &[Value]) {
        self.text("%!(EXTRA ");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            self.typed(value);
        }
        self.text(")");
    }

    /// `int=1`.
    fn typed(&mut self, value: &Value) {
        if matches!(value, Value::Nil) {
            return self.text("<nil>");
        }
        self.text(&value.type_name());
        self.text("=");
        self.value(value, 'v');
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.mark(verb, "(");
        self.typed(value);
        self.text(")");
    }

    /// An operand, with the verbs that know no value.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'v' | 'T') => self.pad(b"<nil>"),
            (Value::Nil, _) | (_, 'w') => self.bad_verb(value, verb),
            (_, 'T') => self.string(value.type_name().as_bytes(), 's'),
            (_, 'p') => self.pointer(value),
            (Value::List(list), 'v' | 'd') if self.flags.go && list.element == "uint8" => {
                self.list(list, "[]byte", verb)
            }
            _ => self.value(value, verb),
        }
    }

    fn value(&mut self, value: &Value, verb: char) {
        match value {
            Value::Nil if self.flags.go => self.text("interface {}(nil)"),
            Value::Nil => self.text("<nil>"),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { b"true" } else { b"false" }),
            Value::Int(number) | Value::Int64(number) => self.integer(value, *number as u64, true, verb),
            Value::Int32(number) => self.integer(value, i64::from(*number) as u64, true, verb),
            Value::Uint8(number) => self.integer(value, u64::from(*number), false, verb),
            Value::Uint64(number) => self.integer(value, *number, false, verb),
            Value::Float64(number) => self.float(value, *number, verb),
            Value::String(text) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => self.string(text.as_bytes(), verb),
            Value::List(list) => self.bytes_or_list(list, verb),
            Value::Map(map) => self.map(map, verb),
            Value::Object(object) => self.object(value, object.as_ref(), verb),
            Value::Bool(_) | Value::String(_) => self.bad_verb(value, verb),
        }
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char) {
        if let ('s' | 'x' | 'X' | 'q', Some(bytes)) = (verb, object.bytes()) {
            return self.string(bytes, verb);
        }
        match (verb, object.underlying()) {
            ('v', _) if self.flags.go => self.text(&object.display()),
            ('v' | 's' | 'x' | 'X' | 'q', _) => self.string(object.display().as_bytes(), verb),
            (_, Value::Nil | Value::Object(_)) => self.bad_verb(value, verb),
            (_, underlying) => self.value(&underlying, verb),
        }
    }

    fn map(&mut self, map: &Map, verb: char) {
        if self.flags.go {
            self.text(map.type_name);
        }
        self.text(if self.flags.go { "{" } else { "map[" });
        for (index, (key, value)) in map.entries.borrow().iter().enumerate() {
            self.separate(index);
            match verb {
                'v' | 's' | 'x' | 'X' | 'q' => self.string(key.as_bytes(), verb),
                _ => self.bad_verb(&Value::from(&**key), verb),
            }
            self.text(":");
            self.nested(value, verb);
        }
        self.text(if self.flags.go { "}" } else { "]" });
    }

    fn bytes_or_list(&mut self, list: &List, verb: char) {
        match Value::List(list.clone()).bytes() {
            Some(bytes) if matches!(verb, 's' | 'x' | 'X' | 'q') => self.string(&bytes, verb),
            _ => self.list(list, &format!("[]{}", list.element), verb),
        }
    }

    fn list(&mut self, list: &List, type_name: &str, verb: char) {
        if self.flags.go {
            self.text(type_name);
        }
        if self.flags.go && list.is_nil {
            return self.text("(nil)");
        }
        self.text(if self.flags.go { "{" } else { "[" });
        for (index, value) in list.items.iter().enumerate() {
            self.separate(index);
            self.nested(value, verb);
        }
        self.text(if self.flags.go { "}" } else { "]" });
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text(if self.flags.go { ", " } else { " " });
        }
    }

    fn nested(&mut self, value: &Value, verb: char) {
        if self.depth == MAX_DEPTH {
            return self.text("...");
        }
        self.depth += 1;
        self.value(value, verb);
        self.depth -= 1;
    }

    fn pointer(&mut self, value: &Value) {
        let address = match value {
            Value::Map(map) => std::rc::Rc::as_ptr(&map.entries) as usize,
            Value::List(list) => list.items.as_ptr() as usize,
            Value::Object(object) if object.kind() == "ptr" => std::rc::Rc::as_ptr(object).cast::<u8>() as usize,
            _ => return self.bad_verb(value, 'p'),
        };
        self.flags.sharp = !self.flags.sharp;
        self.digits(address as u64, 16, false, 'v', false);
    }

    fn string(&mut self, text: &[u8], verb: char) {
        match verb {
            'x' | 'X' => return self.hexadecimal(text, verb == 'X'),
            _ if verb != 'q' && !self.flags.go => return self.pad(self.truncated(text)),
            _ => {}
        }
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        self.pad(quoted(text, self.flags.plus).as_bytes());
    }

    /// As many characters as the precision allows.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self.flags.precision {
            Some(precision) => &text[..runes(text).take(precision).sum()],
            None => text,
        }
    }

    fn hexadecimal(&mut self, text: &[u8], upper: bool) {
        let text = &text[..text.len().min(self.flags.precision.unwrap_or(usize::MAX))];
        let prefix = if upper { "0X" } else { "0x" };
        let mut out = String::new();
        for (index, byte) in text.iter().enumerate() {
            if index > 0 && self.flags.space {
                out.push(' ');
            }
            if self.flags.sharp && (index == 0 || self.flags.space) {
                out.push_str(prefix);
            }
            out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(out.as_bytes());
    }

    fn integer(&mut self, value: &Value, number: u64, signed: bool, verb: char) {
        match verb {
            'v' if self.flags.go && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(number, 16, false, verb, false);
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.digits(number, 10, signed, verb, false),
            'b' => self.digits(number, 2, signed, verb, false),
            'o' | 'O' => self.digits(number, 8, signed, verb, false),
            'x' | 'X' => self.digits(number, 16, signed, verb, verb == 'X'),
            'c' => self.pad(rune(number).encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => self.pad(quoted_rune(rune(number), self.flags.plus).as_bytes()),
            'U' => self.unicode(number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, number: u64, base: u64, signed: bool, verb: char, upper: bool) {
        let negative = signed && (number as i64) < 0;
        let magnitude = if negative { number.wrapping_neg() } else { number };
        let flags = &self.flags;
        let signs = negative || flags.plus || flags.space;
        let width = flags.width.filter(|_| flags.zero && !flags.minus);
        let least = match (flags.precision, width) {
            (Some(0), _) if magnitude == 0 => return self.blank(flags.width.unwrap_or(0)),
            (Some(precision), _) => precision,
            (None, Some(width)) => width - usize::from(signs && width > 0),
            (None, None) => 0,
        };
        let digits = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if upper => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let digits = format!("{digits:0>least$}");
        let prefix = match base {
            _ if verb == 'O' => "0o",
            2 if flags.sharp => "0b",
            8 if flags.sharp && !digits.starts_with('0') => "0",
            16 if flags.sharp => {
                if upper {
                    "0X"
                } else {
                    "0x"
                }
            }
            _ => "",
        };
        let sign = if negative {
            "-"
        } else if flags.plus {
            "+"
        } else if flags.space {
            " "
        } else {
            ""
        };
        // `%#O` has both the old prefix and the new.
        let old = if verb == 'O' && flags.sharp && !digits.starts_with('0') { "0" } else { "" };
        self.pad_blank(format!("{sign}{prefix}{old}{digits}").as_bytes());
    }

    fn unicode(&mut self, number: u64) {
        let least = self.flags.precision.unwrap_or(0).max(4);
        let mut text = format!("U+{number:0least$X}");
        let shown = u32::try_from(number).ok().and_then(char::from_u32).filter(|char| is_print(*char));
        if let Some(char) = shown.filter(|_| self.flags.sharp) {
            text.push_str(&format!(" '{char}'"));
        }
        self.pad_blank(text.as_bytes());
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) {
        let (verb, default) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(default);
        let text = float::format(number, verb, precision);
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'-') => ("-", &text[1..]),
            Some(b'+') => ("+", &text[1..]),
            _ => ("+", &*text),
        };
        let sign = if sign == "+" && self.flags.space && !self.flags.plus { " " } else { sign };
        let shows_sign = self.flags.plus || sign != "+";
        match digits {
            "NaN" if !self.flags.space && !self.flags.plus => return self.pad_blank(b"NaN"),
            "NaN" | "Inf" => return self.pad_blank(format!("{sign}{digits}").as_bytes()),
            _ => {}
        }
        let shown = if shows_sign { sign } else { "" };
        let digits = if self.flags.sharp && verb != 'b' { sharp(digits, verb, precision) } else { digits.to_owned() };
        let zeros = self.flags.zero && !self.flags.minus;
        match self.flags.width {
            Some(width) if shows_sign && zeros => {
                self.text(shown);
                self.text(&format!("{digits:0>0$}", width.saturating_sub(1)));
            }
            _ => self.pad(format!("{shown}{digits}").as_bytes()),
        }
    }

    fn blank(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(b' ', count));
    }

    /// Pads with spaces, whatever the flags say of zeros.
    fn pad_blank(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn pad(&mut self, text: &[u8]) {
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(runes(text).count()));
        if self.flags.minus {
            self.raw(text);
            self.blank(missing);
        } else {
            let filler = if self.flags.zero { b'0' } else { b' ' };
            self.out.extend(std::iter::repeat_n(filler, missing));
            self.raw(text);
        }
    }
}

/// The lengths of Go's runes in a text; a byte that is no UTF-8 is one.
fn runes(text: &[u8]) -> impl Iterator<Item = usize> {
    text.utf8_chunks().flat_map(|chunk| {
        chunk.valid().chars().map(char::len_utf8).chain(std::iter::repeat_n(1, chunk.invalid().len()))
    })
}

fn rune(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The `#` flag: a decimal point always, and for `%g` the zeros up to the precision.
fn sharp(digits: &str, verb: char, precision: Option<usize>) -> String {
    let marks: &[char] = if matches!(verb, 'x' | 'X') { &['p', 'P'] } else { &['e', 'E'] };
    let (number, tail) = digits.split_at(digits.find(marks).unwrap_or(digits.len()));
    let wanted = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    // Go counts the `x` of a prefix as well.
    let significant = number.trim_start_matches(['0', '.']).chars().filter(|char| *char != '.').count();
    let (point, lone_zero) = if number.contains('.') { ("", 0) } else { (".", usize::from(number == "0")) };
    let zeros = wanted.saturating_sub(significant + lone_zero);
    format!("{number}{point}{}{tail}", "0".repeat(zeros))
}
