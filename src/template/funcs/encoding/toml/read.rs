//! TOML as BurntSushi/toml 1.6 reads it into a `map[string]any` (`lex.go`, `parse.go`), with its errors.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    rc::Rc,
};

use super::{
    cursor::{Cursor, Trouble, is_blank, is_break},
    quoted_key,
    scalar::{self, Zones},
};
use crate::template::{Fault, List, Map, Str, Value, fmt, value::ANY_MAP};

/// How deep tables and arrays may nest; Go knows no limit.
const MAX_DEPTH: usize = 200;

type Key = Vec<Rc<str>>;
type Table = BTreeMap<Rc<str>, Node>;

/// What stands under a key while the text is read.
enum Node {
    Value(Value),
    Table(Table),
    Tables(Vec<Table>),
}

impl Node {
    fn finish(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Table(table) => finish(table).into(),
            Self::Tables(tables) => {
                let items = tables.into_iter().map(|table| Value::Map(finish(table))).collect();
                List { element: ANY_MAP, items, is_nil: false }.into()
            }
        }
    }
}

fn finish(table: Table) -> Map {
    table.into_iter().map(|(key, node)| (key, node.finish())).collect()
}

/// `toml.Unmarshal`.
///
/// # Errors
/// BurntSushi's words for what is no TOML.
pub(in super::super) fn read(text: &Str, zones: &Zones) -> Result<Map, Fault> {
    let bytes = text.as_bytes();
    let marks: [&[u8]; 3] = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"];
    let bytes = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    if bytes.iter().take(6).any(|byte| *byte == 0) {
        return Err(Fault::new(
            "toml: line 1: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8",
        ));
    }
    let mut reader = Reader {
        cursor: Cursor::new(bytes),
        zones,
        root: Table::new(),
        context: Key::new(),
        key: "".into(),
        key_line: 0,
        implicit: HashSet::new(),
        arrays: HashSet::new(),
        depth: 0,
    };
    match reader.document() {
        Ok(()) => Ok(finish(reader.root)),
        Err(Trouble { message, line }) => Err(Fault::new(match reader.current() {
            key if key.is_empty() => format!("toml: line {line}: {message}"),
            key => format!("toml: line {line} (last key {}): {message}", fmt::quote(key.as_bytes())),
        })),
    }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    zones: &'a Zones,
    root: Table,
    /// The table that keys are in now.
    context: Key,
    /// The key whose value is read.
    key: Rc<str>,
    /// The line of the last key.
    key_line: usize,
    /// The paths of tables that were only named on the way to others.
    implicit: HashSet<String>,
    /// The paths of arrays.
    arrays: HashSet<String>,
    depth: usize,
}

impl Reader<'_> {
    /// The path of the value being read, as errors name it.
    fn current(&self) -> String {
        match (self.context.is_empty(), self.key.is_empty()) {
            (_, true) => path(&self.context),
            (true, false) => self.key.to_string(),
            (false, false) => format!("{}.{}", path(&self.context), self.key),
        }
    }

    fn document(&mut self) -> Result<(), Trouble> {
        loop {
            match self.cursor.next()? {
                Some(char) if is_blank(char) || is_break(char) => {}
                Some('#') => self.cursor.skip_comment()?,
                Some('[') => {
                    self.head()?;
                    self.end_of_line()?;
                }
                None => return Ok(()),
                Some(_) => {
                    self.cursor.back();
                    self.entry()?;
                    self.end_of_line()?;
                }
            }
        }
    }

    fn end_of_line(&mut self) -> Result<(), Trouble> {
        self.cursor.skip_blanks()?;
        match self.cursor.next()? {
            Some('#') => self.cursor.skip_comment(),
            Some('\n' | '\r') | None => Ok(()),
            found => Err(self.cursor.unexpected(
                "expected a top-level item to end with a newline, comment, or EOF, but got ",
                found,
                " instead",
            )),
        }
    }

    /// The head of a table, `[a.b]`, or of one of several, `[[a.b]]`.
    fn head(&mut self) -> Result<(), Trouble> {
        let array = self.cursor.accept('[')?;
        let mut key = Key::new();
        loop {
            self.cursor.skip_blanks()?;
            match self.cursor.peek()? {
                Some(']') | None => {
                    return Err(self.cursor.error("unexpected end of table name (table names cannot be empty)"));
                }
                Some('.') => {
                    return Err(self.cursor.error("unexpected table separator (table names cannot be empty)"));
                }
                _ => self.key_part(&mut key)?,
            }
            self.cursor.skip_blanks()?;
            match self.cursor.next()? {
                Some('.') => {}
                Some(']') => break,
                found => {
                    return Err(self.cursor.unexpected(
                        "expected '.' or ']' to end table name, but got ",
                        found,
                        " instead",
                    ));
                }
            }
        }
        if array {
            let found = self.cursor.next()?;
            if found != Some(']') {
                let wanted = "expected end of table array name delimiter ']', but got ";
                return Err(self.cursor.unexpected(wanted, found, " instead"));
            }
        }
        self.enter(&key, array)?;
        self.arrays.remove(&path(&self.context));
        Ok(())
    }

    fn key_part(&mut self, key: &mut Key) -> Result<(), Trouble> {
        let part: Rc<str> = match self.cursor.next()? {
            Some(quote @ ('"' | '\'')) => self.cursor.string(quote)?.into(),
            _ => {
                self.cursor.back();
                self.cursor.start();
                self.cursor.skip(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))?;
                self.cursor.token().into()
            }
        };
        if key.is_empty() {
            self.key_line = self.cursor.line;
        }
        key.push(part);
        Ok(())
    }

    /// The key of an entry, and its `=`.
    fn entry_key(&mut self) -> Result<Key, Trouble> {
        let mut key = Key::new();
        self.cursor.skip_blanks()?;
        match self.cursor.peek()? {
            Some('=') | None => return Err(self.cursor.error("unexpected '=': key name appears blank")),
            Some('.') => return Err(self.cursor.error("unexpected '.': keys cannot start with a '.'")),
            Some(_) => {}
        }
        loop {
            self.cursor.skip_blanks()?;
            match self.cursor.peek()? {
                Some('=') | None => return Err(self.cursor.error("unexpected '='")),
                Some('.') => return Err(self.cursor.error("unexpected '.'")),
                Some(_) => self.key_part(&mut key)?,
            }
            self.cursor.skip_blanks()?;
            match self.cursor.next()? {
                Some('.') => {}
                Some('=') => return Ok(key),
                None => return Err(self.cursor.error("unexpected EOF; expected key separator '='")),
                Some('\n') => return Err(self.cursor.error_before("expected '.' or '=', but got '\\n' instead")),
                found => return Err(self.cursor.unexpected("expected '.' or '=', but got ", found, " instead")),
            }
        }
    }

    /// `a.b = value` at the top.
    fn entry(&mut self) -> Result<(), Trouble> {
        let outer = self.context.clone();
        let key = self.entry_key()?;
        self.assign(&key)?;
        self.context = outer;
        self.key = "".into();
        Ok(())
    }

    /// Reads the value of a key and puts it into the current table.
    fn assign(&mut self, key: &[Rc<str>]) -> Result<Value, Trouble> {
        let Some((last, parents)) = key.split_last() else {
            return Ok(Value::Nil);
        };
        self.key = last.clone();
        for parent in parents {
            let mut within = self.context.clone();
            within.push(parent.clone());
            self.implicit.insert(path(&within));
            self.enter(&within, false)?;
        }
        let value = self.value(false)?;
        self.set(last, Node::Value(value.clone()))?;
        self.mark_array(matches!(value, Value::List(_)));
        Ok(value)
    }

    fn value(&mut self, in_array: bool) -> Result<Value, Trouble> {
        self.cursor.skip_blanks()?;
        self.cursor.start();
        match self.cursor.next()? {
            Some('[') => self.nested(Self::array),
            Some('{') => self.nested(|reader| reader.inline_table(in_array)),
            Some(quote @ ('"' | '\'')) => {
                if self.cursor.accept(quote)? {
                    if self.cursor.accept(quote)? {
                        return Ok(self.cursor.long_string(quote)?.into());
                    }
                    self.cursor.back();
                }
                Ok(self.cursor.string(quote)?.into())
            }
            first => scalar::read(&mut self.cursor, first, self.zones),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Value, Trouble>) -> Result<Value, Trouble> {
        self.check_depth(self.depth)?;
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn check_depth(&self, depth: usize) -> Result<(), Trouble> {
        if depth < MAX_DEPTH { Ok(()) } else { Err(self.cursor.error("values are nested too deeply")) }
    }

    fn array(&mut self) -> Result<Value, Trouble> {
        self.mark_array(true);
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            match self.cursor.next()? {
                Some(',') => return Err(self.cursor.error("unexpected comma")),
                Some(']') => break,
                _ => self.cursor.back(),
            }
            items.push(self.value(true)?);
            self.skip_lines()?;
            match self.cursor.next()? {
                Some(',') => {}
                Some(']') => break,
                found => {
                    let found = rune_or_end(found);
                    return Err(self
                        .cursor
                        .error(format!("expected a comma (',') or array terminator (']'), but got {found}")));
                }
            }
        }
        Ok(List::any(items).into())
    }

    /// Blanks, line breaks and comments.
    fn skip_lines(&mut self) -> Result<(), Trouble> {
        loop {
            self.cursor.skip(|char| is_blank(char) || is_break(char))?;
            if !self.cursor.accept('#')? {
                return Ok(());
            }
            self.cursor.skip_comment()?;
        }
    }

    fn inline_table(&mut self, in_array: bool) -> Result<Value, Trouble> {
        let (outer, outer_key) = (self.context.clone(), self.key.clone());
        let mut context = outer.clone();
        context.push(std::mem::replace(&mut self.key, "".into()));
        self.context.clone_from(&context);
        self.implicit.insert(path(&context));
        self.enter(&context, in_array)?;
        let top = Map::new();
        loop {
            self.skip_lines()?;
            match self.cursor.next()? {
                Some(',') => return Err(self.cursor.error("unexpected comma")),
                Some('}') => break,
                _ => self.cursor.back(),
            }
            let key = self.entry_key()?;
            let value = self.assign(&key)?;
            self.insert(&top, &key, value)?;
            self.context.clone_from(&context);
            if self.ends_inline_table()? {
                break;
            }
        }
        self.context = outer;
        self.key = outer_key;
        Ok(top.into())
    }

    /// After an entry: a comma, or the end, which a comma may precede.
    fn ends_inline_table(&mut self) -> Result<bool, Trouble> {
        self.skip_lines()?;
        match self.cursor.next()? {
            Some(',') => Ok(false),
            Some('}') => Ok(true),
            found => Err(self.cursor.error(format!(
                "expected a comma or an inline table terminator '}}', but got {} instead",
                rune_or_end(found)
            ))),
        }
    }

    /// Puts a value into an inline table.
    fn insert(&self, top: &Map, key: &[Rc<str>], value: Value) -> Result<(), Trouble> {
        let Some((last, parents)) = key.split_last() else {
            return Ok(());
        };
        let mut map = top.clone();
        for parent in parents {
            map = match map.get(parent) {
                Some(Value::Map(inner)) => inner,
                Some(_) => {
                    let context = fmt::quote(path(&self.context).as_bytes());
                    return Err(self.misplaced(format!("{context} is not a table")));
                }
                None => {
                    let inner = Map::new();
                    map.set(parent.clone(), inner.clone().into());
                    inner
                }
            };
        }
        map.set(last.clone(), value);
        Ok(())
    }

    /// What a key must not do; Go names its line.
    fn misplaced(&self, message: String) -> Trouble {
        self.cursor.trouble(message, self.key_line)
    }

    /// Makes a table the current one, and those above it where they are missing.
    fn enter(&mut self, key: &[Rc<str>], array: bool) -> Result<(), Trouble> {
        self.check_depth(key.len())?;
        let Some((last, parents)) = key.split_last() else {
            return Ok(());
        };
        let mut table = &mut self.root;
        for (index, parent) in parents.iter().enumerate() {
            let node = table.entry(parent.clone()).or_insert_with(|| {
                self.implicit.insert(path(&key[..=index]));
                Node::Table(Table::new())
            });
            let Some(inner) = inside(node) else {
                let path = path(&key[..=index]);
                return Err(self.misplaced(format!("Key '{path}' was already created as a hash.")));
            };
            table = inner;
        }
        self.context = parents.to_vec();
        if array {
            match table.entry(last.clone()).or_insert_with(|| Node::Tables(Vec::new())) {
                Node::Tables(tables) => tables.push(Table::new()),
                _ => {
                    let path = path(key);
                    return Err(
                        self.misplaced(format!("Key '{path}' was already created and cannot be used as an array."))
                    );
                }
            }
        } else {
            self.set(last, Node::Table(Table::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Puts a value into the current table. A table that was only named on the way to others may still be defined,
    /// an inline table is filled before it is set.
    fn set(&mut self, key: &Rc<str>, value: Node) -> Result<(), Trouble> {
        let mut table = &mut self.root;
        for (index, key) in self.context.iter().enumerate() {
            match table.get_mut(key).and_then(inside) {
                Some(inner) => table = inner,
                None => {
                    let path = path(&self.context[..=index]);
                    return Err(self.misplaced(format!("Key '{path}' has already been defined.")));
                }
            }
        }
        let mut whole = self.context.clone();
        whole.push(key.clone());
        let path = path(&whole);
        match table.entry(key.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(mut entry) => {
                if !self.implicit.remove(&path) {
                    return Err(self.misplaced(format!("Key '{path}' has already been defined.")));
                }
                if self.arrays.contains(&path) {
                    entry.insert(value);
                }
            }
        }
        Ok(())
    }

    /// Remembers whether the current key has an array.
    fn mark_array(&mut self, is_array: bool) {
        let mut whole = self.context.clone();
        whole.push(self.key.clone());
        let path = path(&whole);
        if is_array {
            self.arrays.insert(path);
        } else {
            self.arrays.remove(&path);
        }
    }
}

/// The table of a node, the last where there are several.
fn inside(node: &mut Node) -> Option<&mut Table> {
    match node {
        Node::Value(_) => None,
        Node::Table(table) => Some(table),
        Node::Tables(tables) => tables.last_mut(),
    }
}

/// `Key.String`.
fn path(key: &[Rc<str>]) -> String {
    let parts: Vec<String> = key.iter().map(|part| quoted_key(part)).collect();
    parts.join(".")
}

fn rune_or_end(char: Option<char>) -> String {
    char.map_or_else(|| "end of file".to_owned(), |char| format!("'{char}'"))
}

#[cfg(test)]
mod tests {
    use crate::template::funcs::testing::render;

    /// As Go prints them with `TZ=Europe/Berlin` in winter.
    #[test]
    fn times_without_a_zone_are_local() {
        let seen = |time: &str| render(&format!("{{{{ (fromToml \"a={time}\").a }}}}")).unwrap();
        assert_eq!(seen("2024-07-02T03:04:05"), "2024-07-02 03:04:05 +0100 datetime-local");
        assert_eq!(seen("2024-07-02"), "2024-07-02 00:00:00 +0100 date-local");
        assert_eq!(seen("2024-07-02T03:04:05+02:00"), "2024-07-02 03:04:05 +0200 CEST");
        assert_eq!(seen("2024-07-02T03:04:05Z"), "2024-07-02 03:04:05 +0000 UTC");
    }

    #[test]
    fn depth_has_a_limit() {
        for (part, whole) in [("[", "a="), ("{a=", "a="), ("a.", ""), ("a.", "[")] {
            let text = format!("{{{{ (fromToml \"{whole}{}\").Error }}}}", part.repeat(100_000));
            assert!(render(&text).unwrap().contains("toml: line 1"), "{whole}{part}");
        }
    }
}
