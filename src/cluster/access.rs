//! What the user may do: SelfSubjectRulesReview, SelfSubjectAccessReview.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cluster, Error, read::bounded};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Verb, for example `patch`.
    pub verb: String,
    /// Group, empty for core.
    pub group: String,
    /// Plural resource, or `pods/log` for a subresource.
    pub resource: String,
    /// Namespace, empty for cluster scope.
    pub namespace: String,
}

/// What holds in a namespace.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rules {
    resource_rules: Vec<Rule>,
    /// Some authorizer cannot list its rules, so silence is no refusal.
    incomplete: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Cluster {
    /// Answers each question, in order. Rules of a namespace are asked once; what they leave open is asked singly.
    pub async fn may(&self, asks: &[Ask]) -> Result<Vec<bool>, Error> {
        let mut namespaces: Vec<_> = asks.iter().map(|ask| ask.namespace.as_str()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        // A rules review is about a namespace; cluster scope is asked singly.
        namespaces.retain(|namespace| !namespace.is_empty());
        let rules = bounded(namespaces.iter().map(|namespace| self.rules(namespace))).await;
        let rules: HashMap<&str, Rules> = namespaces.into_iter().zip(rules).collect();
        bounded(asks.iter().map(|ask| self.answer(ask, rules.get(ask.namespace.as_str())))).await.into_iter().collect()
    }

    /// The rules of a namespace; where they cannot be had, rules that leave everything open.
    async fn rules(&self, namespace: &str) -> Rules {
        #[derive(Deserialize)]
        struct Review {
            status: Rules,
        }
        let review =
            self.review("selfsubjectrulesreviews", "SelfSubjectRulesReview", json!({ "namespace": namespace }));
        match review.await {
            Ok(Review { status }) => status,
            Err(_) => Rules { incomplete: true, ..Rules::default() },
        }
    }

    async fn answer(&self, ask: &Ask, rules: Option<&Rules>) -> Result<bool, Error> {
        if let Some(answer) = rules.and_then(|rules| rules.answer(ask)) {
            return Ok(answer);
        }
        #[derive(Deserialize)]
        struct Review {
            status: Verdict,
        }
        #[derive(Deserialize)]
        struct Verdict {
            allowed: bool,
        }
        let (resource, subresource) = ask.resource.split_once('/').unwrap_or((&ask.resource, ""));
        let attributes = json!({
            "verb": ask.verb, "group": ask.group, "resource": resource, "subresource": subresource,
            "namespace": ask.namespace,
        });
        let spec = json!({ "resourceAttributes": attributes });
        let review: Review = self.review("selfsubjectaccessreviews", "SelfSubjectAccessReview", spec).await?;
        Ok(review.status.allowed)
    }

    async fn review<T: serde::de::DeserializeOwned>(&self, plural: &str, kind: &str, spec: Value) -> Result<T, Error> {
        let body = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec });
        let path = format!("/apis/authorization.k8s.io/v1/{plural}");
        self.send_json(Method::POST, &path, "application/json", body.to_string().into_bytes()).await
    }
}

impl Rules {
    /// `None` when the rules do not settle it: they are incomplete, or speak of certain names only.
    fn answer(&self, ask: &Ask) -> Option<bool> {
        let mut matching = self.resource_rules.iter().filter(|rule| rule.covers(ask)).peekable();
        let named_only = matching.peek().is_some();
        if matching.any(|rule| rule.resource_names.is_empty()) {
            return Some(true);
        }
        (!self.incomplete && !named_only).then_some(false)
    }
}

impl Rule {
    fn covers(&self, ask: &Ask) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        let subresource = ask.resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
        has(&self.verbs, &ask.verb)
            && has(&self.api_groups, &ask.group)
            && (has(&self.resources, &ask.resource) || subresource.is_some_and(|any| self.resources.contains(&any)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(incomplete: bool) -> Rules {
        serde_json::from_value(json!({
            "incomplete": incomplete,
            "nonResourceRules": [],
            "resourceRules": [
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]},
                {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"]},
                {"verbs": ["update"], "apiGroups": ["*"], "resources": ["*/scale"]},
            ],
        }))
        .expect("rules")
    }

    #[track_caller]
    fn check(rules: &Rules, verb: &str, group: &str, resource: &str, expected: Option<bool>) {
        let ask = Ask {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: "shop".to_owned(),
        };
        assert_eq!(rules.answer(&ask), expected, "{ask:?}");
    }

    #[test]
    fn rules_answer_what_they_can() {
        let complete = rules(false);
        check(&complete, "get", "", "pods", Some(true));
        check(&complete, "get", "", "pods/log", Some(true));
        check(&complete, "delete", "", "pods", Some(false));
        check(&complete, "patch", "apps", "deployments", Some(true));
        check(&complete, "update", "batch", "jobs/scale", Some(true));
        check(&complete, "get", "", "pods/exec", Some(false));
        check(&complete, "get", "", "secrets", None);
        check(&rules(true), "delete", "", "pods", None);
        check(&rules(true), "get", "", "pods", Some(true));
    }
}
