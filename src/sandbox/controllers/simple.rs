//! Controllers of a few lines: namespaces, claims, load balancers, budgets, definitions, the example operator.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{select::label_selector_matches, store::Store, write::text},
    Next, gc,
    pods::{count, is_ready},
    status::{self, condition},
};

/// Gives a namespace what every one has, or empties one that is going away.
pub(super) fn namespace(store: &mut Store, namespace: &Arc<Value>) -> Next {
    let name = text(namespace, "name");
    if namespace["metadata"]["deletionTimestamp"].is_null() {
        if store.find("serviceaccounts", &name, "default").is_none() {
            let metadata = json!({ "name": "default", "namespace": name });
            status::create(store, json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }));
        }
        if store.find("configmaps", &name, "kube-root-ca.crt").is_none() {
            let metadata = json!({ "name": "kube-root-ca.crt", "namespace": name });
            let data = json!({ "ca.crt": "-----BEGIN CERTIFICATE-----\n(the sandbox speaks plain HTTP)\n-----END CERTIFICATE-----\n" });
            status::create(
                store,
                json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }),
            );
        }
        return Next::default();
    }
    let inside: Vec<Arc<Value>> =
        store.all().map(|(_, object)| object.clone()).filter(|object| text(object, "namespace") == name).collect();
    for object in &inside {
        gc::delete(store, object, "Background");
    }
    let left = store.all().any(|(_, object)| text(object, "namespace") == name);
    if !left {
        let mut freed = Value::clone(namespace);
        freed["spec"] = json!({});
        status::write(store, namespace, freed);
    }
    Next::default()
}

/// Binds a claim to a volume made for it.
pub(super) fn claim(store: &mut Store, claim: &Arc<Value>) -> Next {
    if claim["status"]["phase"] == "Bound" {
        return Next::default();
    }
    let mut bound = Value::clone(claim);
    bound["spec"]["volumeName"] = format!("pvc-{}", text(claim, "uid")).into();
    bound["spec"]["storageClassName"] =
        claim["spec"].get("storageClassName").cloned().unwrap_or_else(|| "standard".into());
    // The claim leaves its pending state before its spec is written, as binding is what may change that.
    status::set(
        store,
        claim,
        json!({
            "phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": claim["spec"]["resources"]["requests"],
        }),
    );
    if let Some(live) = store.find("persistentvolumeclaims", &text(claim, "namespace"), &text(claim, "name")) {
        bound["status"] = live["status"].clone();
        bound["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        bound["metadata"]["managedFields"] = live["metadata"]["managedFields"].clone();
        status::write(store, &live, bound);
    }
    Next::default()
}

/// Gives a LoadBalancer its address.
pub(super) fn service(store: &mut Store, service: &Arc<Value>) -> Next {
    let balanced = service["spec"]["type"] == "LoadBalancer";
    if balanced && service["status"]["loadBalancer"]["ingress"].is_null() {
        let address = service["spec"]["clusterIP"].as_str().unwrap_or_default().replacen("10.96", "203.0", 1);
        status::set(store, service, json!({ "loadBalancer": { "ingress": [{ "ip": address, "ipMode": "VIP" }] } }));
    } else if !balanced && service["status"]["loadBalancer"]["ingress"].is_array() {
        status::set(store, service, json!({ "loadBalancer": {} }));
    }
    Next::default()
}

/// Gives an Ingress the address of its controller.
pub(super) fn ingress(store: &mut Store, ingress: &Arc<Value>) -> Next {
    if ingress["status"]["loadBalancer"]["ingress"].is_null() {
        status::set(store, ingress, json!({ "loadBalancer": { "ingress": [{ "ip": "203.0.113.10" }] } }));
    }
    Next::default()
}

/// Counts the pods of a disruption budget.
pub(super) fn budget(store: &mut Store, budget: &Arc<Value>) -> Next {
    let spec = &budget["spec"];
    let all = store.list("pods", &text(budget, "namespace"));
    let pods: Vec<&Arc<Value>> =
        all.iter().filter(|pod| label_selector_matches(&spec["selector"], &pod["metadata"]["labels"])).collect();
    let expected = count(pods.len());
    let healthy = count(pods.iter().filter(|pod| is_ready(pod)).count());
    let share = |value: &Value| match value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse::<i64>().ok())
    {
        Some(percent) => (expected * percent + 99) / 100,
        None => status::number(value),
    };
    let desired = if spec["maxUnavailable"].is_null() {
        share(&spec["minAvailable"])
    } else {
        expected - share(&spec["maxUnavailable"])
    };
    let allowed = (healthy - desired).max(0);
    let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
    let condition = condition(store, &budget["status"], "DisruptionAllowed", allowed > 0, reason, "");
    status::set(
        store,
        budget,
        json!({
            "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed, "expectedPods": expected,
            "observedGeneration": budget["metadata"]["generation"], "conditions": [condition],
        }),
    );
    Next::default()
}

/// Establishes a CustomResourceDefinition; deleting one is followed by its objects through the store's kinds.
pub(super) fn definition(store: &mut Store, definition: &Arc<Value>) -> Next {
    let old = &definition["status"];
    let names = condition(store, old, "NamesAccepted", true, "NoConflicts", "no conflicts found");
    let established =
        condition(store, old, "Established", true, "InitialNamesAccepted", "the initial names have been accepted");
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let now = versions.filter(|version| version["storage"] == true).map(|version| version["name"].clone());
    let mut stored = old["storedVersions"].as_array().cloned().unwrap_or_default();
    stored.extend(now.filter(|version| !old["storedVersions"].as_array().is_some_and(|old| old.contains(version))));
    status::set(
        store,
        definition,
        json!({
            "acceptedNames": definition["spec"]["names"], "storedVersions": stored, "conditions": [names, established],
        }),
    );
    Next::default()
}

/// The operator of the example custom kind: its objects are ready when they are there.
pub(super) fn custom(store: &mut Store, object: &Arc<Value>) -> Next {
    if object["apiVersion"] == "cache.example.com/v1" {
        let ready = condition(store, &object["status"], "Ready", true, "Provisioned", "all members are ready");
        let generation = object["metadata"]["generation"].clone();
        status::set_as(
            store,
            object,
            json!({ "observedGeneration": generation, "conditions": [ready] }),
            "cache-operator",
        );
    }
    Next::default()
}
