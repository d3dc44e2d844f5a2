//! Computing a strategic merge patch from three objects, as apimachinery's
//! `strategicpatch.CreateThreeWayMergePatch(original, modified, current, schema, overwrite)` does.
//!
//! The patch is what `modified` adds and changes over `current`, plus what it deletes from `original`.
//! Each half is a patch by itself; the first is merged into the second.

use serde_json::{Map, Value};

use super::strategic::{
    DELETE_FROM_LIST, ELEMENT_ORDER, Element, Into, PATCH, RETAIN_KEYS, invalid, merge_map, no_merge_key, sort_by_order,
};
use crate::cluster::{Error, schema::Node};

type Object = Map<String, Value>;
type List = Vec<Value>;

/// The strategic merge patch to send. Fields that the schema does not know merge by the defaults.
///
/// Errors are `Invalid`: a list element without its merge key, mixed element types.
pub(crate) fn create(original: &Object, modified: &Object, current: &Object, schema: Node) -> Result<Object, Error> {
    let changes = Diff { half: Half::Changes, retain_keys: false }.maps(current, modified, schema)?;
    let mut patch = Diff { half: Half::Deletions, retain_keys: false }.maps(original, modified, schema)?;
    merge_map(&mut patch, changes, schema, Into::Patch)?;
    Ok(patch)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Changes,
    Deletions,
}

/// One half of the patch, at one place in the object.
#[derive(Clone, Copy)]
struct Diff {
    half: Half,
    /// Whether the maps compared carry a `$retainKeys` directive.
    retain_keys: bool,
}

/// A merged list's part of a patch.
#[derive(Default)]
struct ListPatch {
    items: List,
    deletions: List,
    order: List,
}

impl Diff {
    fn maps(self, old: &Object, new: &Object, schema: Node) -> Result<Object, Error> {
        let mut patch = Object::new();
        for (key, value) in new {
            match (old.get(key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => self.map_field(&mut patch, key, old, new, schema)?,
                (Some(Value::Array(old)), Value::Array(new)) => self.list_field(&mut patch, key, old, new, schema)?,
                (before, _) if self.half == Half::Changes && before != Some(value) => {
                    patch.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        let gone = |key: &&String| !new.contains_key(*key);
        if self.half == Half::Deletions {
            patch.extend(old.keys().filter(gone).map(|key| (key.clone(), Value::Null)));
        }
        let mut keys: List =
            new.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str().into()).collect();
        let more_before = || old.iter().any(|(key, value)| !value.is_null() && !new.contains_key(key));
        if self.retain_keys && !keys.is_empty() && (!patch.is_empty() || more_before()) {
            keys.sort_by_key(text);
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(keys));
        }
        Ok(patch)
    }

    fn map_field(self, patch: &mut Object, key: &str, old: &Object, new: &Object, schema: Node) -> Result<(), Error> {
        let node = schema.field(key);
        let strategy = node.patch_strategy();
        if strategy.replace {
            if self.half == Half::Changes {
                patch.insert(key.to_owned(), Value::Object(new.clone()));
            }
            return Ok(());
        }
        let below = Self { retain_keys: strategy.retain_keys, ..self }.maps(old, new, node)?;
        if !below.is_empty() {
            patch.insert(key.to_owned(), Value::Object(below));
        }
        Ok(())
    }

    fn list_field(
        self,
        patch: &mut Object,
        key: &str,
        old: &[Value],
        new: &[Value],
        schema: Node,
    ) -> Result<(), Error> {
        let node = schema.field(key);
        let strategy = node.patch_strategy();
        if !strategy.merge {
            if self.half == Half::Changes && old != new {
                patch.insert(key.to_owned(), Value::Array(new.to_vec()));
            }
            return Ok(());
        }
        let list = Self { retain_keys: strategy.retain_keys, ..self }.lists(old, new, node)?;
        let mut set = |key: String, items: List| {
            if !items.is_empty() {
                patch.insert(key, Value::Array(items));
            }
        };
        set(key.to_owned(), list.items);
        set(format!("{DELETE_FROM_LIST}/{key}"), list.deletions);
        set(format!("{ELEMENT_ORDER}/{key}"), list.order);
        Ok(())
    }

    fn lists(self, old: &[Value], new: &[Value], node: Node) -> Result<ListPatch, Error> {
        if old.is_empty() {
            let items = if self.half == Half::Changes { new.to_vec() } else { List::new() };
            return Ok(ListPatch { items, ..ListPatch::default() });
        }
        match Element::of(old.iter().chain(new))? {
            Element::Map => self.lists_of_maps(old, new, node),
            Element::Scalar => self.lists_of_scalars(old, new),
        }
    }

    fn lists_of_maps(self, old: &[Value], new: &[Value], node: Node) -> Result<ListPatch, Error> {
        let key = node.merge_key().unwrap_or_default();
        let (changes, deletions) = self.elements(old, new, node, key)?;
        let mut items = sort_by_order(changes, new, Some(key), Element::Map)?;
        items.extend(deletions);
        let same_order =
            || old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.get(key) == new.get(key));
        let ordered = !items.is_empty() || (self.half == Half::Changes && !same_order());
        let order = if ordered { new.iter().map(|item| only_key(key, &item[key])).collect() } else { List::new() };
        Ok(ListPatch { items, deletions: List::new(), order })
    }

    /// Changed elements, and `$patch: delete` directives for those gone.
    fn elements(self, old: &[Value], new: &[Value], node: Node, key: &str) -> Result<(List, List), Error> {
        let (mut changes, mut deletions) = (List::new(), List::new());
        let old = sorted_by_key(old, key)?;
        let new = sorted_by_key(new, key)?;
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (Some(before), Some(after)) if before.text == after.text => {
                    let mut patch = self.maps(before.item, after.item, node)?;
                    if !patch.is_empty() {
                        patch.insert(key.to_owned(), after.value.clone());
                        changes.push(Value::Object(patch));
                    }
                    old.next();
                    new.next();
                }
                (Some(before), after) if after.is_none_or(|after| before.text < after.text) => {
                    if self.half == Half::Deletions {
                        let mut directive = only_key(key, before.value);
                        directive[PATCH] = "delete".into();
                        deletions.push(directive);
                    }
                    old.next();
                }
                (_, Some(after)) => {
                    if self.half == Half::Changes {
                        changes.push(Value::Object(after.item.clone()));
                    }
                    new.next();
                }
                (_, None) => return Ok((changes, deletions)),
            }
        }
    }

    fn lists_of_scalars(self, old: &[Value], new: &[Value]) -> Result<ListPatch, Error> {
        let (old, sorted) = (sorted_by_text(old), sorted_by_text(new));
        let (mut items, mut deletions) = (List::new(), List::new());
        let (mut before, mut after) = (old.iter().peekable(), sorted.iter().peekable());
        loop {
            match (before.peek(), after.peek()) {
                (Some(gone), Some(added)) if text(gone) == text(added) => {
                    before.next();
                    after.next();
                }
                (Some(gone), added) if added.is_none_or(|added| text(gone) < text(added)) => {
                    if self.half == Half::Deletions && deletions.last() != Some(*gone) {
                        deletions.push((*gone).clone());
                    }
                    before.next();
                }
                (_, Some(added)) => {
                    if self.half == Half::Changes {
                        items.push((*added).clone());
                    }
                    after.next();
                }
                (_, None) => break,
            }
        }
        // Go compares the sorted old list with the new one as it came.
        let ordered = !deletions.is_empty() || (self.half == Half::Changes && old != new);
        let items = sort_by_order(items, new, None, Element::Scalar)?;
        Ok(ListPatch { items, deletions, order: if ordered { new.to_vec() } else { List::new() } })
    }
}

/// An element of a merged list with its merge key.
struct Keyed<'a> {
    text: String,
    value: &'a Value,
    item: &'a Object,
}

/// Sorts elements by the text of their merge key. Elements with equal keys, such as a port under two
/// protocols, come out reversed, as Go's insertion sort over `<=` leaves them (up to its limit of 12).
fn sorted_by_key<'a>(list: &'a [Value], key: &str) -> Result<Vec<Keyed<'a>>, Error> {
    let keyed = |item: &'a Value| {
        let map = item.as_object().ok_or_else(|| invalid(format!("expected a map, but received {item}")))?;
        let value = map.get(key).ok_or_else(|| no_merge_key(item, key))?;
        Ok(Keyed { text: text(value), value, item: map })
    };
    let mut sorted = list.iter().rev().map(keyed).collect::<Result<Vec<_>, Error>>()?;
    sorted.sort_by(|left, right| left.text.cmp(&right.text));
    Ok(sorted)
}

fn sorted_by_text(list: &[Value]) -> List {
    let mut sorted = list.to_vec();
    sorted.sort_by_key(text);
    sorted
}

/// What Go's `%v` prints for a scalar.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn only_key(key: &str, value: &Value) -> Value {
    Value::Object([(key.to_owned(), value.clone())].into_iter().collect())
}
