//! Sprig's functions on maps. Maps are shared as Go's are: `set`, `unset` and `merge` are seen by all who hold the map.

use std::rc::Rc;

use super::{
    defaults::is_empty,
    reflect::MAX_DEPTH,
    strings::{key, text},
};
use crate::template::{
    Fault, List, Map, Str, Value,
    func::{Function, Rest, function},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("dict", function(dict)),
        ("get", function(|map: Map, name: Str| map.get(&name.to_text()).unwrap_or_else(|| "".into()))),
        ("set", function(set)),
        ("unset", function(unset)),
        ("hasKey", function(|map: Map, name: Str| map.entries.borrow().contains_key(&name.to_text()))),
        ("pluck", function(pluck)),
        ("keys", function(keys)),
        ("values", function(|map: Map| List::any(map.entries.borrow().values().cloned().collect()))),
        ("pick", function(pick)),
        ("omit", function(omit)),
        ("merge", function(|into: Map, from: Rest<Map>| merge(into, from, false).unwrap_or_else(|_| "".into()))),
        ("mustMerge", function(|into: Map, from: Rest<Map>| merge(into, from, false))),
        (
            "mergeOverwrite",
            function(|into: Map, from: Rest<Map>| merge(into, from, true).unwrap_or_else(|_| "".into())),
        ),
        ("mustMergeOverwrite", function(|into: Map, from: Rest<Map>| merge(into, from, true))),
        ("deepCopy", function(copy)),
        ("mustDeepCopy", function(copy)),
        ("dig", function(dig)),
    ]
}

/// Keys and values in turn; a last key without a value gets an empty string.
fn dict(values: Rest<Value>) -> Map {
    let map = Map::new();
    let mut values = values.0.into_iter();
    while let Some(name) = values.next() {
        map.set(key(&text(&name)), values.next().unwrap_or_else(|| "".into()));
    }
    map
}

fn set(map: Option<Map>, name: Str, value: Value) -> Result<Map, Fault> {
    let map = map.ok_or_else(|| Fault::new("assignment to entry in nil map"))?;
    map.set(key(&name), value);
    Ok(map)
}

fn unset(map: Map, name: Str) -> Map {
    map.entries.borrow_mut().remove(&name.to_text());
    map
}

fn pluck(name: Str, maps: Rest<Map>) -> List {
    let name = name.to_text();
    List::any(maps.0.iter().filter_map(|map| map.get(&name)).collect())
}

fn keys(maps: Rest<Map>) -> List {
    let keys = |map: &Map| map.entries.borrow().keys().map(|key| Str::Text(key.clone())).collect::<Vec<_>>();
    List::strings(maps.0.iter().flat_map(keys))
}

fn pick(map: Map, names: Rest<Str>) -> Map {
    let entries = map.entries.borrow();
    let picked = names.0.iter().filter_map(|name| entries.get_key_value(&name.to_text()));
    picked.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn omit(map: Map, names: Rest<Str>) -> Map {
    let mut entries = map.entries.borrow().clone();
    for name in &names.0 {
        entries.remove(&name.to_text());
    }
    entries.into()
}

fn merge(into: Map, from: Rest<Map>, overwrite: bool) -> Result<Value, Fault> {
    for source in &from.0 {
        merge_map(&into, source, overwrite, MAX_DEPTH)?;
    }
    Ok(into.into())
}

/// What `mergo.Merge` and `mergo.MergeWithOverwrite` 1.0 do with two maps. What is missing in `into` is then shared
/// with `from`, not copied; an overwriting nil or empty value overwrites, but a map never replaces a map that has
/// entries: the two are merged in place.
fn merge_map(into: &Map, from: &Map, overwrite: bool, depth: usize) -> Result<(), Fault> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    for (key, source) in from.snapshot() {
        if matches!(source, Value::Nil) {
            if overwrite {
                into.set(key, Value::Nil);
            }
            continue;
        }
        let target = into.get(&key).unwrap_or_default();
        if let (Value::Map(target), Value::Map(source)) = (&target, &source) {
            merge_map(target, source, overwrite, depth)?;
            if !target.is_empty() {
                continue;
            }
        }
        if overwrite || is_empty(&target) {
            into.set(key, source);
        }
    }
    Ok(())
}

/// Nested nils are copied, but a nil alone is what Go panics on.
fn copy(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Nil => Err(Fault::new("reflect: call of reflect.Value.Type on zero Value")),
        value => deep_copy(&value, MAX_DEPTH),
    }
}

fn deep_copy(value: &Value, depth: usize) -> Result<Value, Fault> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    Ok(match value {
        Value::List(list) => {
            let items = list.items.iter().map(|item| deep_copy(item, depth)).collect::<Result<_, _>>()?;
            List { items, ..list.clone() }.into()
        }
        Value::Map(map) => {
            let copy = |(key, value): (Rc<str>, Value)| Ok((key, deep_copy(&value, depth)?));
            let entries: Map = map.snapshot().into_iter().map(copy).collect::<Result<_, Fault>>()?;
            Map { type_name: map.type_name, ..entries }.into()
        }
        other => other.clone(),
    })
}

/// Go overflows its stack.
fn too_deep() -> Fault {
    Fault::new("a value is nested too deeply, or holds itself")
}

/// The value behind a path of keys, or the default before the map.
fn dig(arguments: Rest<Value>) -> Result<Value, Fault> {
    let [path @ .., default, map] = &*arguments.0 else {
        return Err(Fault::new("dig needs at least three arguments"));
    };
    if path.is_empty() {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let mut found = as_plain_map(map).cloned()?.into();
    let names = path.iter().map(|name| name.as_str().ok_or_else(|| conversion(name, "string")));
    for name in names.collect::<Result<Vec<_>, _>>()? {
        match as_plain_map(&found)?.get(&name.to_text()) {
            Some(next) => found = next,
            None => return Ok(default.clone()),
        }
    }
    Ok(found)
}

/// A `map[string]interface {}`; Go's assertion takes no other type, not even `common.Values`.
fn as_plain_map(value: &Value) -> Result<&Map, Fault> {
    match value {
        Value::Map(map) if map.type_name == crate::template::value::ANY_MAP => Ok(map),
        other => Err(conversion(other, crate::template::value::ANY_MAP)),
    }
}

/// The words of Go's failing type assertion.
fn conversion(value: &Value, wanted: &str) -> Fault {
    let name = match value {
        Value::Nil => "nil".into(),
        other => other.type_name(),
    };
    Fault::new(format!("interface conversion: interface {{}} is {name}, not {wanted}"))
}
