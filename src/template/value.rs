//! What a template computes with: Go's values, as far as templates of charts can meet them.

use super::stack;
pub use super::table::Table;
use std::{cell::RefCell, fmt, ops::Deref, rc::Rc};

/// A Go value. Cloning is cheap: maps are shared and mutable as Go's are (`set`, `unset`, `mergeOverwrite` are seen by
/// everyone who holds the map), everything else is immutable.
#[derive(Clone, Default)]
pub enum Value {
    /// An untyped nil, a nil interface or a missing key; prints as `<no value>`.
    #[default]
    Nil,
    /// Go's `bool`.
    Bool(bool),
    /// Go's `int`: constants, `len`, `int`, `add1` on constants, indices of `range`.
    Int(i64),
    /// Go's `int64`: `--set`, `int64`, Sprig's integer mathematics.
    Int64(i64),
    /// Go's `int32`, a rune.
    Int32(i32),
    /// Go's `uint8`, a byte: `index` of a string.
    Uint8(u8),
    /// Go's `uint64`: the parts of a semantic version.
    Uint64(u64),
    /// Go's `float64`: every number that came through YAML or JSON.
    Float64(f64),
    /// Go's `string`.
    String(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A Go struct or named type with fields or methods.
    Object(Rc<dyn Object>),
}

/// A Go string: text, or bytes that are not UTF-8 (files of a chart may hold anything).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Str {
    /// Valid UTF-8.
    Text(Rc<str>),
    /// Anything else; never valid UTF-8, so that equal strings are equal values.
    Raw(Rc<[u8]>),
}

/// A slice: immutable, shared, with the Go name of its elements' type.
#[derive(Clone)]
pub struct List {
    /// Go's name of the element type: `interface {}`, `string`, `int`, `uint8`.
    pub element: &'static str,
    /// The elements.
    pub items: Items,
    /// Whether this is Go's nil slice (which `toJson` prints as `null`).
    pub is_nil: bool,
}

/// A map, shared and mutable.
#[derive(Clone)]
pub struct Map {
    /// Go's name of the map's type: `map[string]interface {}`, `common.Values`, `map[string]string`.
    pub type_name: &'static str,
    /// The entries, in the order Go's `range` and `fmt` visit them.
    pub entries: Rc<Entries>,
}

/// The elements of a [`List`].
#[derive(Clone)]
pub struct Items(Rc<[Value]>);

/// The entries of a [`Map`].
#[derive(Default)]
pub struct Entries(RefCell<Table>);

/// Go's `map[string]interface {}`.
pub const ANY_MAP: &str = "map[string]interface {}";
/// Go's `interface {}`, the element of most slices.
pub const ANY: &str = "interface {}";

/// A Go type with fields or methods that a chart can reach: `.Files`, `.Capabilities`, a time, a version.
pub trait Object {
    /// Go's name of the type as `%T` prints it: `*common.Capabilities`, `time.Time`.
    fn type_name(&self) -> &'static str;
    /// Go's kind as `kindOf` prints it: `ptr`, `struct`, `map`, `slice`, `int64`.
    fn kind(&self) -> &'static str;
    /// The exported field of this name; for a named map the entry, `Nil` where it is missing.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }
    /// The parameters of the method of this name, `None` where there is no such method.
    fn method(&self, _name: &str) -> Option<super::func::Signature> {
        None
    }
    /// Calls a method that [`Object::method`] knows, with arguments that fit its signature.
    ///
    /// # Errors
    /// What the method's own error says.
    fn call(&self, name: &str, _arguments: &[Value], _context: &super::Context<'_>) -> Result<Value, super::Fault> {
        Err(super::Fault::new(format!("no method {name}")))
    }
    /// What `%v` prints.
    fn display(&self) -> String;
    /// What an action prints, `{{ . }}`: Go takes the address of a field first, so a `String` of the pointer counts here,
    /// but not in [`Object::display`] (`.Capabilities.KubeVersion`).
    fn print(&self) -> String {
        self.display()
    }
    /// The bytes of a `[]uint8`, without a value for each; see [`Value::bytes`].
    fn bytes(&self) -> Option<&[u8]> {
        None
    }
    /// The value underneath, for named types over a plain one (a slice, a map, a number), as `range`, `len` and
    /// `toYaml` see it; for a struct its JSON form.
    fn underlying(&self) -> Value {
        Value::Nil
    }
    /// Go's truth of it: a struct is always true, a nil pointer or an empty collection false.
    fn is_true(&self) -> bool {
        true
    }
    /// The concrete type, for functions that take one kind of object (a time, a version).
    fn as_any(&self) -> &dyn std::any::Any;
}

impl Str {
    /// A string of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(error) => Self::Raw(error.into_bytes().into()),
        }
    }

    /// A string of these bytes, copied once.
    pub fn from_slice(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Raw(bytes.into()),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }

    /// The text, with U+FFFD for bytes that are none, as Go's `range` over a string sees them.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Text(text) => text.as_ref().into(),
            Self::Raw(bytes) => String::from_utf8_lossy(bytes),
        }
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl Map {
    /// A new empty `map[string]interface {}`.
    pub fn new() -> Self {
        Table::default().into()
    }

    /// The entry of this key, `None` where there is none (a nil entry is `Some(Nil)`).
    pub fn get(&self, key: &str) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    /// Sets an entry, seen by everyone who holds this map.
    pub fn set(&self, key: impl Into<Rc<str>>, value: Value) {
        self.entries.borrow_mut().insert(key.into(), value);
    }

    /// The entries as they are now, sorted by key.
    pub fn snapshot(&self) -> Vec<(Rc<str>, Value)> {
        self.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Table> for Map {
    fn from(entries: Table) -> Self {
        Self { type_name: ANY_MAP, entries: Rc::new(Entries(RefCell::new(entries))) }
    }
}

impl FromIterator<(Rc<str>, Value)> for Map {
    fn from_iter<T: IntoIterator<Item = (Rc<str>, Value)>>(entries: T) -> Self {
        entries.into_iter().collect::<Table>().into()
    }
}

impl Deref for Entries {
    type Target = RefCell<Table>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A value may be nested deeper than the stack is, which then goes on elsewhere.
impl Drop for Entries {
    fn drop(&mut self) {
        let entries = std::mem::take(self.0.get_mut());
        if !entries.is_empty() {
            stack::ensure_to_drop(|| drop(entries));
        }
    }
}

impl Items {
    /// Whether both are the same slice.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Items {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

/// As that of [`Entries`].
impl Drop for Items {
    fn drop(&mut self) {
        let Some(items) = Rc::get_mut(&mut self.0) else {
            return;
        };
        let nested = items.iter_mut().filter(|item| matches!(item, Value::List(_)));
        let mut nested = nested.peekable();
        if nested.peek().is_some() {
            stack::ensure_to_drop(|| nested.for_each(|item| *item = Value::Nil));
        }
    }
}

impl From<Vec<Value>> for Items {
    fn from(items: Vec<Value>) -> Self {
        Self(items.into())
    }
}

impl FromIterator<Value> for Items {
    fn from_iter<T: IntoIterator<Item = Value>>(items: T) -> Self {
        Self(items.into_iter().collect())
    }
}

impl List {
    /// A `[]interface {}`.
    pub fn any(items: Vec<Value>) -> Self {
        Self { element: ANY, items: items.into(), is_nil: false }
    }

    /// A `[]string`.
    pub fn strings(items: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self { element: "string", items: items.into_iter().map(Into::into).collect(), is_nil: false }
    }
}

impl Value {
    /// A value read from YAML or JSON, or set by `--set`: integers are Go's `int64`, every other number `float64`.
    /// YAML's numbers must have been made floats before, as `values` does; see [`Value::from_json_floats`].
    pub fn from_json(json: &serde_json::Value) -> Self {
        Self::convert(json, false, &|text: &str| text.into())
    }

    /// As [`Value::from_json`], with strings read by `text`.
    pub(crate) fn from_json_with(json: &serde_json::Value, text: &impl Fn(&str) -> Str) -> Self {
        Self::convert(json, false, text)
    }

    /// As [`Value::from_json`], with every number Go's `float64`, as `json.Unmarshal` makes them.
    pub fn from_json_floats(json: &serde_json::Value) -> Self {
        Self::convert(json, true, &|text: &str| text.into())
    }

    fn convert(json: &serde_json::Value, floats: bool, text: &impl Fn(&str) -> Str) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) if !floats => Self::Int64(integer),
                _ => Self::Float64(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(string) => Self::String(text(string)),
            serde_json::Value::Array(items) => {
                Self::List(List::any(items.iter().map(|item| Self::convert(item, floats, text)).collect()))
            }
            serde_json::Value::Object(entries) => {
                let entries = entries.iter();
                Self::Map(
                    entries.map(|(key, value)| (key.as_str().into(), Self::convert(value, floats, text))).collect(),
                )
            }
        }
    }

    /// The bytes of a `[]uint8`, of which `toString`, `quote` and `printf "%s"` make a string: a list of bytes, or a
    /// file in `range .Files`.
    pub fn bytes(&self) -> Option<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::Object(object) => object.bytes().map(Into::into),
            Self::List(list) if list.element == "uint8" => {
                let byte = |item: &Self| if let Self::Uint8(byte) = item { *byte } else { 0 };
                Some(list.items.iter().map(byte).collect::<Vec<_>>().into())
            }
            _ => None,
        }
    }

    /// Go's name of the type, as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) => "int".into(),
            Self::Int64(_) => "int64".into(),
            Self::Int32(_) => "int32".into(),
            Self::Uint8(_) => "uint8".into(),
            Self::Uint64(_) => "uint64".into(),
            Self::Float64(_) => "float64".into(),
            Self::String(_) => "string".into(),
            Self::List(list) if list.element == ANY => "[]interface {}".into(),
            Self::List(list) => format!("[]{}", list.element).into(),
            Self::Map(map) => map.type_name.into(),
            Self::Object(object) => object.type_name().into(),
        }
    }

    /// Go's `reflect.Kind` of the value: `map`, `slice`, `float64`; `invalid` for nil.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Int32(_) => "int32",
            Self::Uint8(_) => "uint8",
            Self::Uint64(_) => "uint64",
            Self::Float64(_) => "float64",
            Self::String(_) => "string",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
        }
    }

    /// Go's truth of a value, as `if`, `and`, `or` and `not` see it.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) => *value != 0,
            Self::Int32(value) => *value != 0,
            Self::Uint8(value) => *value != 0,
            Self::Uint64(value) => *value != 0,
            Self::Float64(value) => *value != 0.0,
            Self::String(text) => !text.as_bytes().is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.is_true(),
        }
    }

    /// The string, where it is one.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float64(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::String(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}
