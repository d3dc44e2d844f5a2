//! Applying strategic merge patches, and combining the two halves of a three-way one: what
//! apimachinery's `strategicpatch` does in `StrategicMergePatch` (the server's side) and in `mergeMap`.
//!
//! Directives: `$patch: delete|replace`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`, `$retainKeys`.

use std::mem;

use serde_json::{Map, Value};

use super::merge_patch::drop_nulls;
use crate::cluster::{Error, ErrorKind, schema::Node};

type Object = Map<String, Value>;
type List = Vec<Value>;

pub(crate) const PATCH: &str = "$patch";
pub(crate) const RETAIN_KEYS: &str = "$retainKeys";
pub(crate) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
pub(crate) const ELEMENT_ORDER: &str = "$setElementOrder";

/// What the patch is merged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// An object: directives are obeyed, nulls delete.
    Object,
    /// Another patch: directives and nulls are kept for the server.
    Patch,
}

/// Merges a strategic merge patch into an object, as the API server does.
///
/// Errors are `Invalid`: a list element without its merge key, mixed element types, an unknown directive.
pub(crate) fn apply(object: &mut Object, patch: Object, schema: Node) -> Result<(), Error> {
    merge_map(object, patch, schema, Into::Object)
}

/// See [`apply`]; `mode` says what `object` is.
pub(crate) fn merge_map(object: &mut Object, mut patch: Object, schema: Node, mode: Into) -> Result<(), Error> {
    if let Some(directive) = patch.remove(PATCH) {
        *object = match directive.as_str() {
            Some("replace") => patch,
            Some("delete") => Object::new(),
            _ => return Err(invalid(format!("Unknown patch type {directive}"))),
        };
        return Ok(());
    }
    retain_keys(object, &mut patch, mode)?;
    merge_ordered_lists(object, &mut patch, schema, mode)?;
    for (key, change) in patch {
        if key.starts_with(DELETE_FROM_LIST) {
            if mode == Into::Patch {
                object.insert(key, change);
                continue;
            }
            let field = directive_field(&key, DELETE_FROM_LIST)?;
            if let (Some(Value::Array(list)), Value::Array(gone)) = (object.get_mut(field), change) {
                list.retain(|item| !gone.contains(item));
            }
            continue;
        }
        merge_field(object, key, change, schema, mode)?;
    }
    Ok(())
}

fn merge_field(object: &mut Object, key: String, mut change: Value, schema: Node, mode: Into) -> Result<(), Error> {
    let node = schema.field(&key);
    let strategy = node.patch_strategy();
    match (object.get_mut(&key), &mut change) {
        (_, Value::Null) if mode == Into::Object => {
            object.remove(&key);
        }
        (Some(Value::Object(old)), Value::Object(new)) if !strategy.replace => {
            merge_map(old, mem::take(new), node, mode)?;
        }
        (Some(Value::Array(old)), Value::Array(new)) if strategy.merge => {
            *old = merge_list(mem::take(old), mem::take(new), node, mode)?.merged;
        }
        (Some(Value::Object(_)), Value::Object(_)) | (Some(Value::Array(_)), Value::Array(_)) => {
            object.insert(key, change);
        }
        _ => {
            if mode == Into::Object {
                drop_nulls(&mut change);
            }
            match without_directives(change) {
                Some(change) => object.insert(key, change),
                None => object.remove(&key),
            };
        }
    }
    Ok(())
}

/// Obeys `$retainKeys`: clears keys of `object` that the list lacks.
fn retain_keys(object: &mut Object, patch: &mut Object, mode: Into) -> Result<(), Error> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    if mode == Into::Patch {
        let before = object.entry(RETAIN_KEYS).or_insert_with(|| keys.clone());
        return if *before == keys { Ok(()) } else { Err(invalid("the halves of the patch retain different keys")) };
    }
    let bad = || invalid("invalid patch format of retainKeys");
    let keys = keys.as_array().ok_or_else(bad)?;
    let listed = |key: &str| keys.iter().any(|listed| listed == key);
    let directive = |key: &str| key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !listed(key)) {
        return Err(bad());
    }
    object.retain(|key, _| listed(key));
    Ok(())
}

/// Merges the lists that come with `$setElementOrder/FIELD`, and puts them into that order.
fn merge_ordered_lists(object: &mut Object, patch: &mut Object, schema: Node, mode: Into) -> Result<(), Error> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in &directives {
        let Some(order) = patch.remove(directive) else {
            continue;
        };
        if mode == Into::Patch && *object.entry(directive).or_insert_with(|| order.clone()) != order {
            return Err(invalid("invalid patch format of setElementOrder list"));
        }
        let field = directive_field(directive, ELEMENT_ORDER)?;
        let (old, new) = (take_list(object, field)?, take_list(patch, field)?);
        let order = list_of(order)?;
        if let Some(merged) = merge_in_order(old, new, &order, schema.field(field), mode)? {
            object.insert(field.to_owned(), Value::Array(merged));
        }
    }
    Ok(())
}

fn merge_in_order(
    old: Option<List>,
    new: Option<List>,
    order: &[Value],
    node: Node,
    mode: Into,
) -> Result<Option<List>, Error> {
    let key = node.merge_key();
    check_order(new.as_deref().unwrap_or_default(), order, key)?;
    let kind = Element::of(old.iter().flatten().chain(new.iter().flatten()));
    let Merged { merged, live_order } = match (old, new) {
        (Some(old), None) => Merged { live_order: old.clone(), merged: old },
        (None, Some(new)) => {
            Merged { merged: new.into_iter().filter_map(without_directives).collect(), live_order: List::new() }
        }
        (Some(old), Some(new)) if node.patch_strategy().merge => merge_list(old, new, node, mode)?,
        (Some(old), Some(new)) => Merged { merged: new, live_order: old },
        (None, None) => return Ok(None),
    };
    in_order(merged, order, &live_order, key, kind?).map(Some)
}

/// A merged list, and the order of the live one as Go sees it by then.
struct Merged {
    merged: List,
    live_order: List,
}

/// Merges two lists: scalars as a set, maps by merge key.
fn merge_list(old: List, new: List, node: Node, mode: Into) -> Result<Merged, Error> {
    if old.is_empty() && new.is_empty() {
        return Ok(Merged { merged: old, live_order: List::new() });
    }
    let kind = Element::of(old.iter().chain(&new))?;
    if kind == Element::Scalar {
        let mut merged = old.clone();
        merged.extend(new.iter().filter(|item| !old.contains(item)).cloned());
        return Ok(Merged { merged: in_order(merged, &new, &old, None, kind)?, live_order: old });
    }
    let key = node.merge_key().ok_or_else(|| invalid("cannot merge lists without merge key"))?;
    let slots = old.len();
    let (old, new) = obey_element_directives(old, new, key)?;
    let mut merged = old.clone();
    for item in new.iter().cloned() {
        let Value::Object(change) = item else {
            continue;
        };
        let value = change.get(key).ok_or_else(|| no_merge_key(&change, key))?;
        match merged.iter_mut().filter_map(Value::as_object_mut).find(|item| item.get(key) == Some(value)) {
            Some(item) => merge_map(item, change, node, mode)?,
            None => merged.push(Value::Object(change)),
        }
    }
    // Go appends new elements into the room that deleted ones left in the live list, and then takes
    // that list for the live order; so their order counts as live up to the former length.
    let live_order = merged.iter().take(slots).cloned().collect();
    Ok(Merged { merged: in_order(merged, &new, &old, Some(key), kind)?, live_order })
}

/// Obeys `$patch` in elements: deletes from `old`, or replaces all of it. What is left to merge is returned.
fn obey_element_directives(mut old: List, new: List, key: &str) -> Result<(List, List), Error> {
    let (mut plain, mut replace) = (List::new(), false);
    for item in new {
        match item.get(PATCH).map(Value::as_str) {
            None => plain.push(item),
            Some(Some("delete")) => {
                let value = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                old.retain(|item| item.get(key) != Some(value));
            }
            Some(Some("replace")) => replace = true,
            Some(_) => return Err(invalid(format!("Unknown patch type {}", item[PATCH]))),
        }
    }
    Ok(if replace { (plain, List::new()) } else { (old, plain) })
}

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// Maps.
    Map,
    /// Anything else but lists.
    Scalar,
}

impl Element {
    /// The one type of all elements; an error when they differ, are lists, or there are none.
    pub(crate) fn of<'a>(items: impl Iterator<Item = &'a Value>) -> Result<Self, Error> {
        let mut items = items.peekable();
        let Some(first) = items.peek().copied() else {
            return Err(invalid("no elements in any of the given slices"));
        };
        if first.is_array() {
            return Err(invalid("lists of lists are not supported"));
        }
        if items.any(|item| go_type(item) != go_type(first)) {
            return Err(invalid("list element types are not identical"));
        }
        Ok(if first.is_object() { Self::Map } else { Self::Scalar })
    }
}

/// Which Go type a value decodes to, as a number.
fn go_type(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(number) if number.is_f64() => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// Sorts by `order` what is in it, the rest by `live_order`, and weaves the two by the live order.
fn in_order(
    items: List,
    order: &[Value],
    live_order: &[Value],
    key: Option<&str>,
    kind: Element,
) -> Result<List, Error> {
    let (mut patched, mut live_only) = (List::new(), List::new());
    for item in items {
        let into = if position(order, &item, key).is_some() { &mut patched } else { &mut live_only };
        into.push(item);
    }
    let patched = sort_by_order(patched, order, key, kind)?;
    let live_only = sort_by_order(live_only, live_order, key, kind)?;

    let mut woven = List::with_capacity(patched.len() + live_only.len());
    let mut live_only = live_only.into_iter().peekable();
    for item in patched {
        let place = position(live_order, &item, key);
        let before =
            |live: &Value| place.is_some_and(|place| position(live_order, live, key).is_some_and(|live| live < place));
        while let Some(live) = live_only.next_if(before) {
            woven.push(live);
        }
        woven.push(item);
    }
    woven.extend(live_only);
    Ok(woven)
}

/// Sorts elements into an order; elements marked for deletion go last.
pub(crate) fn sort_by_order(items: List, order: &[Value], key: Option<&str>, kind: Element) -> Result<List, Error> {
    if let (Some(key), Element::Map) = (key, kind)
        && let Some(item) = items.iter().chain(order).find(|item| item.get(key).is_none())
    {
        return Err(no_merge_key(item, key));
    }
    let is_deletion = |item: &Value| item.get(PATCH).is_some_and(|directive| directive == "delete");
    let (deletions, mut kept): (List, List) = items.into_iter().partition(is_deletion);
    kept.sort_by_key(|item| position(order, item, key));
    kept.extend(deletions);
    Ok(kept)
}

fn position(list: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|other| match key {
        Some(key) => other.get(key) == item.get(key),
        None => other == item,
    })
}

/// The elements of the patch must follow `order`.
fn check_order(items: &[Value], order: &[Value], key: Option<&str>) -> Result<(), Error> {
    if items.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut places = order.iter();
    for item in items.iter().filter(|item| item.get(PATCH).is_none()) {
        if !places.any(|place| position(std::slice::from_ref(place), item, key).is_some()) {
            return Err(invalid(format!("the order in patch list doesn't match {ELEMENT_ORDER} list")));
        }
    }
    Ok(())
}

/// A value without the maps that carry `$patch`; `None` when it is one.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => {
            Some(map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect())
        }
        Value::Array(items) => Some(items.into_iter().filter_map(without_directives).collect()),
        value => Some(value),
    }
}

fn directive_field<'a>(key: &'a str, prefix: &str) -> Result<&'a str, Error> {
    let field = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    field.ok_or_else(|| invalid(format!("invalid patch format of {key}")))
}

fn take_list(object: &mut Object, field: &str) -> Result<Option<List>, Error> {
    object.remove(field).map(list_of).transpose()
}

fn list_of(value: Value) -> Result<List, Error> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(invalid(format!("expected a list, but received {other}"))),
    }
}

pub(crate) fn no_merge_key(item: &impl serde::Serialize, key: &str) -> Error {
    let item = serde_json::to_string(item).unwrap_or_default();
    invalid(format!("map: {item} does not contain declared merge key: {key}"))
}

pub(crate) fn invalid(message: impl std::convert::Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
