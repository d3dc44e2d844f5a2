//! Label and field selectors (apimachinery `pkg/labels/selector.go`, `pkg/fields/selector.go`).

use serde_json::Value;

use super::{failure::Failure, kinds::Kind};

/// What a list or watch is limited to.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<(String, Demand)>,
    fields: Vec<(String, Demand)>,
}

#[derive(Debug, Clone)]
enum Demand {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; a field that the kind cannot be selected by is 400.
    pub fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Failure> {
        let selector = Self { labels: parse_labels(labels)?, fields: parse_fields(fields)? };
        match selector.fields.iter().find(|(field, _)| !selectable(kind, field)) {
            Some((field, _)) if own_fields(kind).is_empty() => Err(Failure::bad_request(format!(
                "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ))),
            Some((field, _)) => Err(Failure::bad_request(format!("field label not supported: {field}"))),
            None => Ok(selector),
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is meant.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|(key, demand)| demand.met_by(labels[key].as_str()))
            && self.fields.iter().all(|(path, demand)| demand.met_by(Some(&field(object, path))))
    }
}

/// Whether labels satisfy a `LabelSelector` object; an empty one matches everything.
pub(super) fn label_selector_matches(selector: &Value, labels: &Value) -> bool {
    let exact = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    exact.into_iter().all(|(key, value)| labels[key] == *value)
        && expressions.into_iter().all(|expression| {
            let values = || {
                expression["values"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            };
            let demand = match expression["operator"].as_str() {
                Some("In") => Demand::In(values()),
                Some("NotIn") => Demand::NotIn(values()),
                Some("Exists") => Demand::Exists,
                _ => Demand::Absent,
            };
            demand.met_by(labels[expression["key"].as_str().unwrap_or_default()].as_str())
        })
}

impl Demand {
    fn met_by(&self, value: Option<&str>) -> bool {
        match self {
            Self::In(words) => value.is_some_and(|value| words.iter().any(|word| word == value)),
            Self::NotIn(words) => value.is_none_or(|value| words.iter().all(|word| word != value)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
        }
    }
}

fn parse_labels(text: &str) -> Result<Vec<(String, Demand)>, Failure> {
    split_outside_parentheses(text).into_iter().map(parse_label).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|letter: char| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn parse_label(part: &str) -> Result<(String, Demand), Failure> {
    let pair = |key: &str, demand: Demand| Ok((key.trim().to_owned(), demand));
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(inner) = part.strip_suffix(')') {
        let unreadable = || Failure::bad_request(format!("unable to parse requirement: {part:?}"));
        let (head, list) = inner.split_once('(').ok_or_else(unreadable)?;
        let words = list.split(',').map(|word| word.trim().to_owned()).collect();
        let (key, operator) = head.trim().rsplit_once(' ').ok_or_else(unreadable)?;
        return match operator {
            "in" => pair(key, Demand::In(words)),
            "notin" => pair(key, Demand::NotIn(words)),
            _ => Err(unreadable()),
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return pair(key, Demand::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return pair(key, Demand::In(one(value)));
    }
    match part.strip_prefix('!') {
        Some(key) => pair(key, Demand::Absent),
        None => pair(part, Demand::Exists),
    }
}

fn parse_fields(text: &str) -> Result<Vec<(String, Demand)>, Failure> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let parse = |part: &str| {
        let unreadable = || Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'"));
        let (key, value, negated) = match part.split_once("!=") {
            Some((key, value)) => (key, value, true),
            None => {
                let (key, value) = part.split_once("==").or_else(|| part.split_once('=')).ok_or_else(unreadable)?;
                (key, value, false)
            }
        };
        let words = vec![value.to_owned()];
        Ok((key.to_owned(), if negated { Demand::NotIn(words) } else { Demand::In(words) }))
    };
    parts.map(parse).collect()
}

/// The fields a kind can be selected by besides name and namespace (kubernetes `pkg/apis/*/v1/conversion.go`).
fn own_fields(kind: &Kind) -> &'static [&'static str] {
    match kind.kind.as_str() {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Secret" => &["type"],
        "Namespace" => &["status.phase"],
        "Node" => &["spec.unschedulable"],
        "ReplicaSet" => &["status.replicas"],
        "Job" => &["status.successful"],
        "Service" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

fn selectable(kind: &Kind, field: &str) -> bool {
    field == "metadata.name" || (kind.namespaced && field == "metadata.namespace") || own_fields(kind).contains(&field)
}

fn field(object: &Value, path: &str) -> String {
    let path = if path == "status.successful" { "status.succeeded" } else { path };
    let path = if path == "source" { "source.component" } else { path };
    match path.split('.').fold(object, |value, key| &value[key]) {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
