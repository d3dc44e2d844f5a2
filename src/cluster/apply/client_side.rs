//! The patch of the client-side method, as Helm chooses and computes it (helm/helm `pkg/kube/client.go`, `createPatch`).

use serde_json::{Map, Value, json};

use super::{Patch, merge_patch, strategic, three_way};
use crate::{
    cluster::{
        Error,
        schema::{self, Node},
    },
    manifest::Object,
};

const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";

/// The client-side patch for one object: three-way strategic merge for built-in kinds
/// (original, target, live; merge keys from `assets/`), and for custom resources a JSON merge that is two-way
/// (original → target) as Helm's by default, three-way against live when asked.
/// Without an original the live object is the baseline, as in Helm's `update`.
///
/// Errors are `Invalid`: a list element without its merge key, mixed element types, and in the three-way
/// merge of a custom resource a changed apiVersion, kind or name.
pub fn client_side_patch(
    original: Option<&Object>,
    target: &Object,
    live: &Object,
    three_way_custom_resources: bool,
) -> Result<Patch, Error> {
    let original = placed(original.unwrap_or(live), live);
    let modified = placed(target, live);
    let current = fields(&live.value);
    if let Some(schema) = strategic_schema(target) {
        let body = three_way::create(&original, &modified, &current, schema)?;
        return Ok(Patch { content_type: STRATEGIC, body: Value::Object(body) });
    }
    let body = if three_way_custom_resources {
        let patch = merge_patch::create_three_way(&original, &modified, &current);
        keeps_identity(&patch)?;
        patch
    } else {
        merge_patch::create(&original, &modified)
    };
    Ok(Patch { content_type: MERGE, body: Value::Object(body) })
}

/// Applies a patch of [`client_side_patch`] to an object locally: what the server would store, defaults aside.
///
/// Errors are `Invalid`, where the server refuses the patch as malformed.
pub fn apply_patch_locally(live: &Object, patch: &Patch) -> Result<Object, Error> {
    let (mut object, change) = (fields(&live.value), fields(&patch.body));
    if patch.content_type == STRATEGIC {
        strategic::apply(&mut object, change, schema::of(&live.value).unwrap_or_else(Node::unknown))?;
    } else {
        merge_patch::apply(&mut object, change);
    }
    Ok(Object { value: Value::Object(object), source: live.source.clone() })
}

/// The schema for a strategic merge; `None` for kinds that Helm patches by JSON merge: all that are not in
/// client-go's scheme or apiextensions, so custom resources and what the aggregator serves.
fn strategic_schema(target: &Object) -> Option<Node> {
    if target.group() == "apiregistration.k8s.io" || target.api_version() == "apiextensions.k8s.io/v1beta1" {
        return None;
    }
    schema::of(&target.value)
}

/// An object of a manifest with the namespace of the live one, which Helm fills in when it reads a manifest.
fn placed(object: &Object, live: &Object) -> Map<String, Value> {
    let mut fields = fields(&object.value);
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.remove("namespace");
        if !live.namespace().is_empty() {
            metadata.insert("namespace".to_owned(), json!(live.namespace()));
        }
    }
    fields
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn keeps_identity(patch: &Map<String, Value>) -> Result<(), Error> {
    let renamed = patch.get("metadata").is_some_and(|metadata| metadata.get("name").is_some());
    if renamed || patch.contains_key("apiVersion") || patch.contains_key("kind") {
        let patch = Value::Object(patch.clone());
        return Err(strategic::invalid(format!(
            "precondition failed for: {patch}: at least one field was changed: apiVersion, kind or name"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/data/three-way.json`: inputs, and what apimachinery's `strategicpatch` and `jsonmergepatch` and
    /// evanphx/json-patch (v0.36.1, v5.9.11) make of them: the patch, and the live object after it.
    fn cases() -> Vec<Value> {
        serde_json::from_str(include_str!("../../../tests/data/three-way.json")).unwrap()
    }

    fn patch_of(case: &Value) -> Result<Patch, Error> {
        let object = |key: &str| Object::new(case[key].clone());
        if case["name"].as_str().unwrap().starts_with("patch: ") {
            return Ok(Patch { content_type: STRATEGIC, body: case["patch"].clone() });
        }
        let three_way = case["threeWay"] == true;
        client_side_patch(Some(&object("original")), &object("modified"), &object("current"), three_way)
    }

    #[track_caller]
    fn check(case: &Value) {
        let name = &case["name"];
        let live = Object::new(case["current"].clone());
        let outcome = patch_of(case).and_then(|patch| Ok((apply_patch_locally(&live, &patch)?, patch)));
        match (outcome, case["error"].as_str()) {
            (Ok((stored, patch)), None) => {
                assert_eq!(patch.body, case["patch"], "patch of {name}");
                assert_eq!(stored.value, case["result"], "outcome of {name}");
            }
            (Err(_), Some(_)) => {}
            (outcome, expected) => panic!("{name}: expected error {expected:?}, got {outcome:?}"),
        }
    }

    #[test]
    fn patches_and_outcomes_are_those_of_kubernetes() {
        let cases = cases();
        assert!(cases.len() > 60);
        for case in &cases {
            check(case);
        }
    }
}
