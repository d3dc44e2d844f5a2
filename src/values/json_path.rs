//! JSONPath as kubectl and Helm write it (client-go `util/jsonpath`).

mod parse;

use serde_json::{Number, Value};

use crate::{template, yaml};
use parse::{Node, parse};

/// How deep loops may stand in each other.
const MAX_LOOPS: usize = 50;

/// A template: text with paths in braces.
pub struct JsonPath {
    nodes: Vec<Node>,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// client-go's words.
    pub fn parse(template: &str) -> Result<Self, String> {
        parse(template).map(|nodes| Self { nodes })
    }

    /// What it gives for a value, whose numbers must all be floats, as Go reads them.
    ///
    /// # Errors
    /// client-go's words.
    pub fn execute(&self, data: &Value) -> Result<String, String> {
        let mut evaluation = Evaluation { begins: 0, inside: 0, ends: 0, end: 0 };
        let results = evaluation.results(&self.nodes, 0, data)?;
        Ok(results.iter().map(|group| group.iter().map(text).collect::<Vec<_>>().join(" ")).collect())
    }
}

/// Where in loops an evaluation is.
struct Evaluation {
    /// Loops that the last action began.
    begins: usize,
    inside: usize,
    /// Loops that the last action ended.
    ends: usize,
    /// The place of that action.
    end: usize,
}

impl Evaluation {
    /// What each action from a place on gives, up to the end of the loop it is in.
    fn results(&mut self, nodes: &[Node], from: usize, data: &Value) -> Result<Vec<Vec<Value>>, String> {
        let mut results = Vec::new();
        let mut at = from;
        while let Some(node) = nodes.get(at) {
            let found = self.walk(vec![data.clone()], node)?;
            if self.ends > 0 && self.ends <= self.inside {
                self.ends -= 1;
                self.end = at;
                break;
            }
            if self.begins > 0 {
                self.begins -= 1;
                self.inside += 1;
                if self.inside > MAX_LOOPS {
                    return Err("loops nest too deeply".to_owned());
                }
                for value in &found {
                    results.extend(self.results(nodes, at + 1, value)?);
                }
                if found.is_empty() {
                    // Only to find where the loop ends.
                    self.results(nodes, at + 1, &Value::Null)?;
                }
                self.inside -= 1;
                at = self.end.max(at);
            } else {
                results.push(found);
            }
            at += 1;
        }
        Ok(results)
    }

    fn list(&mut self, values: Vec<Value>, nodes: &[Node]) -> Result<Vec<Value>, String> {
        nodes.iter().try_fold(values, |values, node| self.walk(values, node))
    }

    fn walk(&mut self, values: Vec<Value>, node: &Node) -> Result<Vec<Value>, String> {
        match node {
            Node::List(nodes) => self.list(values, nodes),
            Node::Text(text) => Ok(vec![Value::from(text.as_str())]),
            Node::Constant(value) => Ok(vec![value.clone(); values.len()]),
            Node::Field(name) => field(&values, name),
            Node::Wildcard => Ok(values.iter().flat_map(children).collect()),
            Node::Recursive => Ok(values.iter().flat_map(descendants).collect()),
            Node::Slice(slice) => {
                let slices = values.iter().filter(|value| !value.is_null()).map(|value| slice.of(value));
                Ok(slices.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Node::Union(branches) => {
                let branches = branches.iter().map(|nodes| self.list(values.clone(), nodes));
                Ok(branches.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Node::Filter { left, operator, right } => {
                let mut kept = Vec::new();
                for value in &values {
                    let Value::Array(items) = value else {
                        return Err(format!("{} is not array or slice and cannot be filtered", go_text(value)));
                    };
                    for item in items {
                        if self.passes(item, left, operator, right)? {
                            kept.push(item.clone());
                        }
                    }
                }
                Ok(kept)
            }
            Node::Word(word) => match word.as_str() {
                "range" => {
                    self.begins += 1;
                    Ok(values)
                }
                "end" if self.inside > 0 => {
                    self.ends += 1;
                    Ok(Vec::new())
                }
                "end" => Err("not in range, nothing to end".to_owned()),
                other => Err(format!("unrecognized identifier {other}")),
            },
        }
    }

    fn passes(&mut self, item: &Value, left: &[Node], operator: &str, right: &[Node]) -> Result<bool, String> {
        let lefts = self.list(vec![item.clone()], left);
        if operator == "exists" {
            return Ok(lefts.is_ok_and(|lefts| !lefts.is_empty()));
        }
        let lefts = lefts?;
        let one = |values: &[Value]| match values {
            [] => Ok(None),
            [value] => Ok(Some(value.clone())),
            _ => Err("can only compare one element at a time".to_owned()),
        };
        let Some(left) = one(&lefts)? else { return Ok(false) };
        let Some(right) = one(&self.list(vec![item.clone()], right)?)? else { return Ok(false) };
        compare(&left, operator, &right)
    }
}

fn field(values: &[Value], name: &str) -> Result<Vec<Value>, String> {
    let found: Vec<Value> = values.iter().filter_map(|value| value.as_object()?.get(name).cloned()).collect();
    if found.is_empty() && !values.is_empty() { Err(format!("{name} is not found")) } else { Ok(found) }
}

/// What is directly in a value. Go visits maps in no order; here it is that of their keys.
fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => map.values().cloned().collect(),
        Value::Array(items) => items.clone(),
        Value::String(text) => text.bytes().map(Value::from).collect(),
        _ => Vec::new(),
    }
}

/// A value and all that holds something in it.
fn descendants(value: &Value) -> Vec<Value> {
    let children = children(value);
    if children.is_empty() {
        return Vec::new();
    }
    std::iter::once(value.clone()).chain(children.iter().flat_map(descendants)).collect()
}

/// `[from:to:step]`.
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    /// `to` is one after `from`, which was all that was written.
    derived: bool,
    step: Option<i64>,
}

impl Slice {
    fn of(&self, value: &Value) -> Result<Vec<Value>, String> {
        let Value::Array(items) = value else {
            return Err(format!("{} is not array or slice", go_type(value)));
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let wrapped = |at: i64, too: bool| if at < 0 || too { at + length } else { at };
        let from = wrapped(self.from.unwrap_or(0), false);
        let to = self.to.unwrap_or(length);
        let to = wrapped(to, to == 0 && self.derived);
        if from == to {
            return Ok(Vec::new());
        }
        let outside = |at: i64| Err(format!("array index out of bounds: index {at}, length {length}"));
        if from >= length || from < 0 {
            return outside(from);
        }
        if to > length || to < 0 {
            return outside(to - 1);
        }
        if from > to {
            return Err(format!("starting index {from} is greater than ending index {to}"));
        }
        let step = self.step.unwrap_or(1);
        let step = usize::try_from(step).ok().filter(|step| *step > 0).ok_or("step must be > 0")?;
        let place = |at: i64| usize::try_from(at).unwrap_or_default();
        Ok(items.iter().take(place(to)).skip(place(from)).step_by(step).cloned().collect())
    }
}

/// Compares as `Equal` and `Less` of client-go's copy of text/template do: values of other kinds not at all.
fn compare(left: &Value, operator: &str, right: &Value) -> Result<bool, String> {
    let incompatible = || "incompatible types for comparison".to_owned();
    let invalid = || "invalid type for comparison".to_owned();
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        (Value::Number(left), Value::Number(right)) if is_whole(left) == is_whole(right) => {
            left.as_f64().partial_cmp(&right.as_f64())
        }
        (Value::Bool(left), Value::Bool(right)) if matches!(operator, "==" | "!=") => left.partial_cmp(right),
        (Value::Bool(_), Value::Bool(_)) => return Err(invalid()),
        (Value::Array(_) | Value::Object(_) | Value::Null, _)
        | (_, Value::Array(_) | Value::Object(_) | Value::Null) => {
            return Err(invalid());
        }
        _ => return Err(incompatible()),
    };
    let order = order.ok_or_else(incompatible)?;
    match operator {
        "<" => Ok(order.is_lt()),
        ">" => Ok(order.is_gt()),
        "==" => Ok(order.is_eq()),
        "!=" => Ok(order.is_ne()),
        "<=" => Ok(order.is_le()),
        ">=" => Ok(order.is_ge()),
        other => Err(format!("unrecognized filter operator {other}")),
    }
}

/// Whole numbers are written in paths only; values of charts are floats in Go.
fn is_whole(number: &Number) -> bool {
    !number.is_f64()
}

fn text(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => {
            let json = yaml::json::to_vec(value).unwrap_or_default();
            String::from_utf8_lossy(&json).into_owned()
        }
        value => go_text(value),
    }
}

/// `fmt.Sprint` of a value.
fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => template::fmt::sprint(&[template::Value::from_json(value)]).to_text().into_owned(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map[string]interface {}",
        Value::Array(_) => "[]interface {}",
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::Bool(_) => "bool",
        Value::Null => "nil",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::JsonPath;
    use crate::{values::make_floats, yaml};

    /// What `helm show values --jsonpath` prints or refuses; nothing where a path finds nothing. Go visits maps in no
    /// order: where that shows, this is one of its answers.
    #[test]
    fn paths_give_what_helm_gives() {
        let mut values = yaml::from_str(include_str!("tests/json_path.yaml")).expect("values");
        make_floats(&mut values);
        for line in include_str!("tests/json_path.jsonl").lines() {
            let case: Vec<Value> = serde_json::from_str(line).expect("a line of JSON");
            let ours = JsonPath::parse(case[0].as_str().expect("a template"));
            let ours = ours.map(|path| path.execute(&values).unwrap_or_default());
            match case.get(2) {
                Some(refused) => assert_eq!(ours.err().as_deref(), refused.as_str(), "{line}"),
                None => assert_eq!(ours.as_deref().ok(), case[1].as_str(), "{line}"),
            }
        }
    }
}
