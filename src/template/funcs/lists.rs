//! Sprig's functions on lists. Each has a `must` twin with the same words: what the one panics with, the other returns.

use super::{
    MAX_ITEMS, check_items,
    defaults::is_empty,
    math::to_int64,
    nil_pointer,
    reflect::deep_equal,
    strings::{strings, text},
};
use crate::template::{
    Fault, List, Value,
    func::{Function, Rest, function},
    value::{ANY, Items},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    let mut functions = vec![
        ("list", function(|values: Rest<Value>| List::any(values.0))),
        ("tuple", function(|values: Rest<Value>| List::any(values.0))),
        ("concat", function(concat)),
        ("sortAlpha", function(sort_alpha)),
        ("toStrings", function(|value: Value| List::strings(strings(&value)))),
        ("until", function(|count: i64| until_step(0, count, if count < 0 { -1 } else { 1 }))),
        ("untilStep", function(until_step)),
        ("seq", function(|parameters: Rest<i64>| seq(&parameters.0))),
    ];
    for names in [["append", "mustAppend"], ["push", "mustPush"]] {
        functions.extend(names.map(|name| (name, function(push))));
    }
    functions.extend(["prepend", "mustPrepend"].map(|name| (name, function(prepend))));
    functions.extend(["first", "mustFirst"].map(|name| (name, function(first))));
    functions.extend(["last", "mustLast"].map(|name| (name, function(last))));
    functions.extend(["rest", "mustRest"].map(|name| (name, function(rest))));
    functions.extend(["initial", "mustInitial"].map(|name| (name, function(initial))));
    functions.extend(["reverse", "mustReverse"].map(|name| (name, function(reverse))));
    functions.extend(["compact", "mustCompact"].map(|name| (name, function(compact))));
    functions.extend(["uniq", "mustUniq"].map(|name| (name, function(uniq))));
    functions.extend(["without", "mustWithout"].map(|name| (name, function(without))));
    functions.extend(["has", "mustHas"].map(|name| (name, function(has))));
    functions.extend(["slice", "mustSlice"].map(|name| (name, function(slice))));
    functions.extend(["chunk", "mustChunk"].map(|name| (name, function(chunk))));
    functions
}

/// The list that a value is; `refusal` tells what could not be done with another kind.
fn items(value: &Value, refusal: &str) -> Result<Items, Fault> {
    match list_of(value) {
        Some(list) => Ok(list.items),
        None if matches!(value, Value::Nil) => Err(nil_pointer()),
        None => Err(Fault::new(format!("{refusal} {}", value.kind()))),
    }
}

/// A slice, or a named type over one.
pub(super) fn list_of(value: &Value) -> Option<List> {
    match value {
        Value::List(list) => Some(list.clone()),
        Value::Object(object) if object.kind() == "slice" => match object.underlying() {
            Value::List(list) => Some(list),
            _ => None,
        },
        _ => None,
    }
}

fn nil_list() -> List {
    List { is_nil: true, ..List::any(Vec::new()) }
}

fn push(list: Value, value: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot push on type")?;
    Ok(collect(items.iter().cloned().chain([value])))
}

fn prepend(list: Value, value: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot prepend on type")?;
    Ok(collect(std::iter::once(value).chain(items.iter().cloned())))
}

fn collect(values: impl Iterator<Item = Value>) -> List {
    List { element: ANY, items: values.collect(), is_nil: false }
}

fn first(list: Value) -> Result<Value, Fault> {
    Ok(items(&list, "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(list: Value) -> Result<Value, Fault> {
    Ok(items(&list, "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

fn rest(list: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot find rest on type")?;
    Ok(items.split_first().map_or_else(nil_list, |(_, rest)| collect(rest.iter().cloned())))
}

fn initial(list: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot find initial on type")?;
    Ok(items.split_last().map_or_else(nil_list, |(_, initial)| collect(initial.iter().cloned())))
}

fn reverse(list: Value) -> Result<List, Fault> {
    Ok(collect(items(&list, "Cannot find reverse on type")?.iter().rev().cloned()))
}

fn compact(list: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot compact on type")?;
    Ok(collect(items.iter().filter(|item| !is_empty(item)).cloned()))
}

fn uniq(list: Value) -> Result<List, Fault> {
    let mut found: Vec<Value> = Vec::new();
    for item in &*items(&list, "Cannot find uniq on type")? {
        if !found.iter().any(|known| deep_equal(item, known)) {
            found.push(item.clone());
        }
    }
    Ok(List::any(found))
}

fn without(list: Value, omitted: Rest<Value>) -> Result<List, Fault> {
    let items = items(&list, "Cannot find without on type")?;
    let is_left = |item: &&Value| !omitted.0.iter().any(|omitted| deep_equal(item, omitted));
    Ok(collect(items.iter().filter(is_left).cloned()))
}

fn has(needle: Value, list: Value) -> Result<bool, Fault> {
    if matches!(list, Value::Nil) {
        return Ok(false);
    }
    Ok(items(&list, "Cannot find has on type")?.iter().any(|item| deep_equal(&needle, item)))
}

/// Sprig's `slice`, which stands before Go's own in Helm: numbers from and to, cast as `int` does.
fn slice(list: Value, indices: Rest<Value>) -> Result<Value, Fault> {
    let all = items(&list, "list should be type of slice or array but")?;
    if all.is_empty() {
        return Ok(Value::Nil);
    }
    let start = indices.0.first().map_or(0, to_int64);
    let end = indices.0.get(1).map_or(all.len() as i64, to_int64);
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = bounds.and_then(|(start, end)| all.get(start..end));
    let items = part.ok_or_else(|| Fault::new("reflect.Value.Slice: slice index out of bounds"))?.to_vec().into();
    let element = list_of(&list).map_or(ANY, |list| list.element);
    Ok(List { element, items, is_nil: false }.into())
}

fn chunk(size: i64, list: Value) -> Result<List, Fault> {
    let items = items(&list, "Cannot chunk type")?;
    let out_of_range = || Fault::new("runtime error: makeslice: len out of range");
    let (length, width) = (items.len() as f64, size as f64);
    // In floats, as Sprig counts: a size of zero or below is then out of range, or gives no chunks.
    let count = ((length - 1.0) / width).floor() + 1.0;
    if !count.is_finite() || count < 0.0 {
        return Err(out_of_range());
    }
    let left = (length % width).floor();
    let last = if left == 0.0 { width } else { left };
    if count > 0.0 && last < 0.0 {
        return Err(out_of_range());
    }
    let part = |index: usize| {
        let from = index.saturating_mul(size.max(0) as usize);
        let length = if index as f64 == count - 1.0 { last } else { width };
        let part = items.get(from..from.saturating_add(length as usize)).unwrap_or_default();
        Value::List(collect(part.iter().cloned()))
    };
    let chunks = (0..count as usize).map(part).collect();
    Ok(List { element: "[]interface {}", items: chunks, is_nil: false })
}

fn concat(lists: Rest<Value>) -> Result<List, Fault> {
    let mut all = Vec::new();
    for value in &lists.0 {
        match list_of(value) {
            Some(list) => {
                check_items(all.len() + list.items.len())?;
                all.extend(list.items.iter().cloned());
            }
            None if matches!(value, Value::Nil) => return Err(nil_pointer()),
            None => return Err(Fault::new(format!("Cannot concat type {} as list", value.kind()))),
        }
    }
    Ok(if all.is_empty() { nil_list() } else { List::any(all) })
}

fn sort_alpha(value: Value) -> List {
    if list_of(&value).is_none() {
        return List::strings([text(&value)]);
    }
    let mut sorted = strings(&value);
    sorted.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
    List::strings(sorted)
}

fn until_step(start: i64, stop: i64, step: i64) -> Result<List, Fault> {
    let items = numbers(start, stop, step)?.into_iter().map(Value::Int).collect();
    Ok(List { element: "int", items, is_nil: false })
}

/// As the command `seq`: to, from and to, or from, step and to.
fn seq(parameters: &[i64]) -> Result<String, Fault> {
    let direction = |from: i64, to: i64| if to < from { -1 } else { 1 };
    let (from, to, step) = match *parameters {
        [to] => (1, to, direction(1, to)),
        [from, to] => (from, to, direction(from, to)),
        [from, step, to] if to >= from || step <= 0 => (from, to, step),
        _ => return Ok(String::new()),
    };
    let numbers = numbers(from, to.wrapping_add(direction(from, to)), step)?;
    Ok(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}

fn numbers(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let numbers: Vec<i64> = range(start, stop, step).take(MAX_ITEMS + 1).collect();
    check_items(numbers.len())?;
    Ok(numbers)
}

/// The numbers from `start` up or down to before `stop`; none where the step leads away from it.
fn range(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> {
    let goes_on = move |at: &i64| if step < 0 { *at > stop } else { step > 0 && *at < stop };
    let first = Some(start).filter(goes_on);
    std::iter::successors(first, move |at| at.checked_add(step).filter(goes_on))
}
