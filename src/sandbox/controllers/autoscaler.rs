//! HorizontalPodAutoscalers: they keep their bounds and report use.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{
        delete::kind_of,
        store::Store,
        write::{self, Writer, text},
    },
    Next, events,
    status::{self, condition, number},
};

/// Scales the target into the bounds and writes the status.
pub(super) fn reconcile(store: &mut Store, autoscaler: &Arc<Value>) -> Next {
    let target = &autoscaler["spec"]["scaleTargetRef"];
    let found = kind_of(store, target)
        .and_then(|kind| Some((store.get(&kind, &text(autoscaler, "namespace"), target["name"].as_str()?)?, kind)));
    let Some((workload, kind)) = found else {
        let why = "the HPA controller was unable to get the target's current scale";
        let able = condition(store, &autoscaler["status"], "AbleToScale", false, "FailedGetScale", why);
        status::set(store, autoscaler, json!({ "currentMetrics": null, "desiredReplicas": 0, "conditions": [able] }));
        return Next::default();
    };
    let wanted = number(&workload["spec"]["replicas"]);
    let (low, high) = (number(&autoscaler["spec"]["minReplicas"]).max(1), number(&autoscaler["spec"]["maxReplicas"]));
    let desired = if wanted == 0 { 0 } else { wanted.clamp(low, high.max(low)) };
    if desired != wanted {
        let mut scaled = Value::clone(&workload);
        scaled["spec"]["replicas"] = desired.into();
        // A refused scale is tried again with the next change.
        drop(write::update(store, &kind, &workload, scaled, &Writer::controller("scale")));
        let reason = if wanted < low { "below Spec.MinReplicas" } else { "above Spec.MaxReplicas" };
        let message = format!("New size: {desired}; reason: Current number of replicas {reason}");
        events::record(store, autoscaler, "horizontal-pod-autoscaler", "Normal", "SuccessfulRescale", &message);
    }
    write_status(store, autoscaler, &workload, desired);
    Next::default()
}

fn write_status(store: &mut Store, autoscaler: &Arc<Value>, workload: &Value, desired: i64) {
    let old = &autoscaler["status"];
    let conditions = if desired == 0 {
        let why = "scaling is disabled since the replica count of the target is zero";
        json!([condition(store, old, "ScalingActive", false, "ScalingDisabled", why)])
    } else {
        let counted = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
        json!([
            condition(store, old, "AbleToScale", true, "ReadyForNewScale", "recommended size matches current size"),
            condition(store, old, "ScalingActive", true, "ValidMetricFound", counted),
            condition(
                store,
                old,
                "ScalingLimited",
                false,
                "DesiredWithinRange",
                "the desired count is within the acceptable range"
            ),
        ])
    };
    let metrics: Vec<Value> = autoscaler["spec"]["metrics"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|metric| metric["type"] == "Resource")
        .map(current)
        .collect();
    let replicas = number(&workload["status"]["replicas"]);
    status::set(
        store,
        autoscaler,
        json!({
            "currentReplicas": replicas, "desiredReplicas": desired, "currentMetrics": metrics, "conditions": conditions,
        }),
    );
}

/// Use a little under the target, so that nothing has to be scaled.
fn current(metric: &Value) -> Value {
    let target = number(&metric["resource"]["target"]["averageUtilization"]).max(40);
    let current = json!({ "averageUtilization": target * 3 / 4, "averageValue": format!("{}m", target * 3) });
    json!({ "type": "Resource", "resource": { "name": metric["resource"]["name"], "current": current } })
}
