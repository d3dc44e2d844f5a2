//! Patches: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge.

use serde_json::Value;

use super::failure::Failure;
use crate::{cluster::apply, manifest::Object};

/// Applies a patch of a content type to an object.
pub(super) fn apply(content_type: &str, live: &Value, patch: &Value, custom: bool) -> Result<Value, Failure> {
    match content_type {
        "application/json-patch+json" => json_patch(live, patch),
        "application/merge-patch+json" => {
            let mut object = live.clone();
            merge(&mut object, patch);
            Ok(object)
        }
        "application/strategic-merge-patch+json" if custom => {
            let why = "the body of the request was in an unknown format - accepted media types include: \
                       application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            Err(Failure::new(415, "UnsupportedMediaType", why))
        }
        "application/strategic-merge-patch+json" => {
            let patch = apply::Patch { content_type: "application/strategic-merge-patch+json", body: patch.clone() };
            let patched = apply::apply_patch_locally(&Object::new(live.clone()), &patch);
            patched.map(|object| object.value).map_err(|error| Failure::bad_request(error.message))
        }
        other => {
            Err(Failure::new(415, "UnsupportedMediaType", format!("the sandbox does not know patches of type {other}")))
        }
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (key, value) in fields {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}

fn json_patch(live: &Value, patch: &Value) -> Result<Value, Failure> {
    let mut object = live.clone();
    let steps = patch.as_array().ok_or_else(|| Failure::bad_request("a JSON patch is a list of operations"))?;
    for step in steps {
        json_patch_step(&mut object, step).map_err(|why| {
            Failure::new(
                422,
                "Invalid",
                format!("the server rejected our request due to an error in our request: {why}"),
            )
        })?;
    }
    Ok(object)
}

fn json_patch_step(object: &mut Value, step: &Value) -> Result<(), String> {
    let text = |key: &str| step[key].as_str().ok_or_else(|| format!("{key} is missing"));
    let path = text("path")?;
    let at = |object: &Value, path: &str| object.pointer(path).cloned().ok_or_else(|| format!("{path} does not exist"));
    match text("op")? {
        "add" => add(object, path, step["value"].clone()),
        "remove" => remove(object, path).map(drop),
        "replace" => {
            *object.pointer_mut(path).ok_or_else(|| format!("{path} does not exist"))? = step["value"].clone();
            Ok(())
        }
        "copy" => at(object, text("from")?).and_then(|value| add(object, path, value)),
        "move" => remove(object, text("from")?).and_then(|value| add(object, path, value)),
        "test" if at(object, path)? == step["value"] => Ok(()),
        "test" => Err(format!("testing value {path} failed")),
        other => Err(format!("unexpected kind: {other}")),
    }
}

fn split(path: &str) -> Result<(&str, String), String> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| format!("{path:?} is no pointer"))?;
    Ok((parent, key.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let (parent, key) = split(path)?;
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.insert(key, value);
            Ok(())
        }
        Some(Value::Array(list)) if key == "-" => {
            list.push(value);
            Ok(())
        }
        Some(Value::Array(list)) => {
            let index = key.parse::<usize>().ok().filter(|index| *index <= list.len());
            list.insert(index.ok_or_else(|| format!("no index {key} in {parent}"))?, value);
            Ok(())
        }
        _ => Err(format!("{parent} does not exist")),
    }
}

fn remove(object: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, key) = split(path)?;
    let missing = || format!("{path} does not exist");
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(&key).ok_or_else(missing),
        Some(Value::Array(list)) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < list.len()).ok_or_else(missing)?;
            Ok(list.remove(index))
        }
        _ => Err(missing()),
    }
}
