//! The methods of Helm's `common.Values`, which a chart can call on `.` and `.Values`: `.Values.AsMap`.

use super::{
    Fault,
    fmt::quote,
    func::{Signature, Type},
    funcs,
    value::{ANY_MAP, Map, Value},
};

/// Go's name of the type.
const VALUES: &str = "common.Values";

/// The parameters of the method of this name, `None` where the map's type has no such method.
pub(super) fn find(map: &Map, name: &str) -> Option<Signature> {
    let parameters = match name {
        _ if map.type_name != VALUES => return None,
        "AsMap" | "YAML" => vec![],
        "Table" | "PathValue" => vec![Type::String],
        _ => return None,
    };
    Some(Signature::of(parameters))
}

/// Calls a method that [`find`] knows.
pub(super) fn call(map: &Map, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let path = || arguments.first().and_then(Value::as_str).map(|path| path.to_text()).unwrap_or_default();
    match name {
        "YAML" => funcs::to_yaml(&map.clone().into()).map(|text| (text + "\n").into()),
        "Table" => table(map, path().split('.')).map(Into::into),
        "PathValue" => path_value(map, &path()),
        _ => Ok(Map { type_name: ANY_MAP, entries: map.entries.clone() }.into()),
    }
}

/// The map at the end of a path of keys.
fn table<'a>(map: &Map, path: impl Iterator<Item = &'a str>) -> Result<Map, Fault> {
    let mut table = map.clone();
    for name in path {
        table = match table.get(name) {
            Some(Value::Map(inner)) => Map { type_name: VALUES, ..inner },
            _ => return Err(Fault::new(format!("{} is not a table", quote(name.as_bytes())))),
        };
    }
    Ok(table)
}

/// The value at the end of a path, which is no map.
fn path_value(map: &Map, path: &str) -> Result<Value, Fault> {
    if path.is_empty() {
        return Err(Fault::new("YAML path cannot be empty"));
    }
    let (found, name) = match path.rsplit_once('.') {
        Some((tables, name)) => (table(map, tables.split('.')).ok().and_then(|table| table.get(name)), name),
        None => (map.get(path), path),
    };
    match found {
        Some(Value::Map(map)) if map.type_name == ANY_MAP => None,
        found => found,
    }
    .ok_or_else(|| Fault::new(format!("{} is not a value", quote(name.as_bytes()))))
}
