//! Both ways against what Go gave.

use serde_json::json;

use super::*;

#[test]
fn ordinary_manifest() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels: {}\n  name: a\ndata:\n  on: \"yes\"\n  list:\n  - 1\n  - 0.5\n  text: |\n    a\n    b\n";
    let value = from_str(text).expect("YAML");
    assert_eq!(
        value,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {}, "name": "a"},
               "data": {"true": "yes", "list": [1, 0.5], "text": "a\nb\n"}})
    );
    assert_eq!(
        to_string(&value),
        "apiVersion: v1\ndata:\n  list:\n  - 1\n  - 0.5\n  text: |\n    a\n    b\n  \"true\": \"yes\"\nkind: ConfigMap\nmetadata:\n  labels: {}\n  name: a\n"
    );
}
