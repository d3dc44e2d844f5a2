//! Events as controllers and kubelets write them.

use serde_json::{Value, json};

use super::{
    super::{store::Store, write::text},
    status,
};

/// Records an event about an object; the same one again raises its count.
pub(super) fn record(store: &mut Store, object: &Value, component: &str, kind: &str, reason: &str, message: &str) {
    let namespace = text(object, "namespace");
    let uid = text(object, "uid");
    let same = |event: &Value| {
        event["involvedObject"]["uid"] == uid.as_str() && event["reason"] == reason && event["message"] == message
    };
    let now = store.now();
    let start = format!("{}.", text(object, "name"));
    let known = store.starting_with("events", &namespace, &start).find(|event| same(event)).cloned();
    if let Some(known) = known {
        let mut again = Value::clone(&known);
        again["count"] = (status::number(&known["count"]) + 1).into();
        again["lastTimestamp"] = now.into();
        status::write(store, &known, again);
        return;
    }
    let name =
        format!("{}.{:016x}", text(object, "name"), 0x18_9a3c_0000_0000_u64 + u64::from(store.allocate()) * 7919);
    let involved = json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "name": object["metadata"]["name"], "namespace": namespace,
        "uid": uid, "resourceVersion": object["metadata"]["resourceVersion"],
    });
    status::create(
        store,
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": { "name": name, "namespace": namespace },
            "involvedObject": involved, "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": { "component": component },
            "reportingComponent": component, "reportingInstance": "",
        }),
    );
}
