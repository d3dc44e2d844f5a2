//! Who may do what: a few built-in users, and the reviews that tell them.

use serde_json::{Value, json};

use super::{failure::Failure, path::Route};

/// One thing somebody wants to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Act<'a> {
    /// Verb, such as `list`.
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// Plural resource.
    pub resource: &'a str,
    /// Subresource, empty for the object itself.
    pub subresource: &'a str,
    /// Namespace; empty for cluster scope.
    pub namespace: &'a str,
    /// Object name; empty for collections.
    pub name: &'a str,
}

const READ: &[&str] = &["get", "list", "watch"];
const ALL: &[&str] = &["*"];

/// Verbs that a user may use on every resource of a namespace (of the cluster when it is empty).
fn verbs(user: &str, namespace: &str) -> &'static [&'static str] {
    match (user, namespace) {
        ("admin", _) => ALL,
        ("reader", _) => READ,
        ("operator", "vault") => &[],
        ("operator", "") => &[],
        ("operator", _) => ALL,
        ("tenant", "payments" | "orders") => ALL,
        _ => &[],
    }
}

/// Whether a user may.
pub(super) fn may(user: &str, act: &Act<'_>) -> bool {
    let reviews = matches!(act.group, "authorization.k8s.io" | "authentication.k8s.io");
    // The one right at cluster scope of somebody who works in many namespaces: to see which there are.
    let sees_namespaces = user == "operator" && act.resource == "namespaces" && READ.contains(&act.verb);
    let verbs = verbs(user, act.namespace);
    reviews || sees_namespaces || verbs.contains(&"*") || verbs.contains(&act.verb)
}

/// Refuses what a user may not, in the server's words.
pub(super) fn check(user: &str, act: &Act<'_>) -> Result<(), Failure> {
    if may(user, act) {
        return Ok(());
    }
    let resource = if act.subresource.is_empty() {
        act.resource.to_owned()
    } else {
        format!("{}/{}", act.resource, act.subresource)
    };
    let place = if act.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", act.namespace)
    };
    let qualified =
        if act.group.is_empty() { act.resource.to_owned() } else { format!("{}.{}", act.resource, act.group) };
    let named = if act.name.is_empty() { qualified } else { format!("{qualified} {:?}", act.name) };
    let message = format!(
        "{named} is forbidden: User {user:?} cannot {} resource {resource:?} in API group {:?} {place}",
        act.verb, act.group
    );
    let mut failure = Failure::new(403, "Forbidden", message);
    failure.details = json!({ "kind": act.resource });
    for (key, value) in [("name", act.name), ("group", act.group)] {
        if !value.is_empty() {
            failure.details[key] = value.into();
        }
    }
    Err(failure)
}

/// The act that a request to an object or collection is.
pub(super) fn act_of<'a>(route: &'a Route, verb: &'a str) -> Act<'a> {
    // Access to a namespace object is asked for in that namespace.
    let namespace = if route.kind.kind == "Namespace" { &route.name } else { &route.namespace };
    Act {
        verb,
        group: &route.kind.group,
        resource: &route.kind.plural,
        subresource: &route.subresource,
        namespace,
        name: &route.name,
    }
}

/// Answers a review; `None` for a resource that is none.
pub(super) fn review(user: &str, resource: &str, body: &Value) -> Option<Value> {
    let mut answer = body.clone();
    match resource {
        "selfsubjectaccessreviews" => {
            let allowed = access_review(user, &body["spec"]);
            answer["kind"] = "SelfSubjectAccessReview".into();
            answer["status"] = json!({ "allowed": allowed });
        }
        "selfsubjectrulesreviews" => {
            answer["kind"] = "SelfSubjectRulesReview".into();
            answer["status"] = rules(user, body["spec"]["namespace"].as_str().unwrap_or_default());
        }
        "selfsubjectreviews" => {
            answer = json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {},
                "status": { "userInfo": { "username": user, "groups": ["system:authenticated"] } },
            });
            return Some(answer);
        }
        _ => return None,
    }
    answer["apiVersion"] = "authorization.k8s.io/v1".into();
    Some(answer)
}

fn access_review(user: &str, spec: &Value) -> bool {
    let asked = &spec["resourceAttributes"];
    if asked.is_null() {
        // Paths outside resources (discovery, health) are open to everybody.
        return spec["nonResourceAttributes"]["verb"] == "get";
    }
    let text = |key: &str| asked[key].as_str().unwrap_or_default();
    let act = Act {
        verb: text("verb"),
        group: text("group"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    may(user, &act)
}

fn rules(user: &str, namespace: &str) -> Value {
    let reviews = json!({
        "verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    });
    let mut resource_rules = vec![reviews];
    let verbs = verbs(user, namespace);
    if !verbs.is_empty() {
        resource_rules.push(json!({ "verbs": verbs, "apiGroups": ["*"], "resources": ["*"] }));
    }
    if user == "operator" {
        resource_rules.push(json!({ "verbs": READ, "apiGroups": [""], "resources": ["namespaces"] }));
    }
    let open = json!([{ "verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"] }]);
    json!({ "resourceRules": resource_rules, "nonResourceRules": open, "incomplete": false })
}
