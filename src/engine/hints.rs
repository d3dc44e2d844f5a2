//! What helps to understand why something is refused. It stands under Helm's words, never in their place.

use super::{objects::owner, risks::IMMUTABLE};
use crate::{
    cluster::Cluster,
    release::{Driver, Storage},
};

/// Hints of one kind that are told.
const TOLD: usize = 5;

/// What there is to say about the words of a failure, as far as they name something that is known or can be looked up.
/// `release` is the one that the operation is about. What may not be read is left out.
pub async fn of(storage: &Storage, release: &str, words: &str) -> Vec<String> {
    let cluster = storage.cluster();
    let mut hints: Vec<String> = immutable(words);
    hints.extend(quotas(words));
    hints.extend(rights(words, storage.driver()));
    hints.extend(kube_version(words));
    if words.contains(" exists and cannot be imported into the current release: ") {
        hints.extend(foreign(storage, words).await);
    }
    for name in quoted_after(words, "webhook \"") {
        hints.extend(webhook(cluster, name).await);
    }
    for name in quoted_after(words, "namespaces \"") {
        hints.extend(namespace(cluster, name, storage.namespace(), words).await);
    }
    if ["release: not found", " has no deployed releases"].iter().any(|none| words.contains(none)) {
        hints.extend(elsewhere(storage, release).await);
    }
    let mut told: Vec<String> = Vec::new();
    for hint in hints {
        if !told.contains(&hint) {
            told.push(hint);
        }
    }
    told
}

/// The texts in quotes after each `mark`, which ends with the quote; each once.
fn quoted_after<'a>(words: &'a str, mark: &str) -> Vec<&'a str> {
    let mut found: Vec<&str> = words.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(TOLD);
    found
}

/// Sentences of several objects' failures, as Helm joins them.
fn sentences(words: &str) -> impl Iterator<Item = &str> {
    words.split('\n').flat_map(|line| line.split(" && "))
}

/// Objects with the fields that cannot be changed: `Deployment.apps "web" is invalid: spec.selector: Invalid value: …`.
fn immutable(words: &str) -> Vec<String> {
    let told = |sentence: &str| {
        let (head, causes) = sentence.split_once(" is invalid: ")?;
        let (kind, name) = head.rsplit_once(' ')?;
        let kind = kind.rsplit(' ').next()?.split('.').next()?;
        let kind = kind.rsplit(':').next()?.trim();
        let mut fields: Vec<&str> = Vec::new();
        let mut field = "";
        for part in causes.split(": ") {
            if IMMUTABLE.iter().any(|mark| part.contains(mark)) && !field.is_empty() && !fields.contains(&field) {
                fields.push(field);
            }
            let last = part.rsplit(' ').next().unwrap_or_default().trim_start_matches('[');
            if last.starts_with(|c: char| c.is_ascii_lowercase()) && !matches!(part, "Invalid value" | "Forbidden") {
                field = last;
            }
        }
        let name = name.trim_matches('"');
        (!fields.is_empty()).then(|| {
            format!(
                "{kind}/{name}: {} cannot be changed once the object exists: leave it as it is, or let the object be \
                 deleted and made anew with --recreate {kind}/{name}",
                fields.join(", ")
            )
        })
    };
    sentences(words).filter_map(told).take(TOLD).collect()
}

/// `exceeded quota: NAME, requested: R=1, used: R=3, limited: R=3`.
fn quotas(words: &str) -> Vec<String> {
    let told = |rest: &str| {
        let (name, rest) = rest.split_once(", requested: ")?;
        let (requested, rest) = rest.split_once(", used: ")?;
        let (used, limited) = rest.split_once(", limited: ")?;
        let limited = limited.split([' ', '\n']).next()?;
        Some(format!(
            "the ResourceQuota {name} allows {limited}, {used} is used and {requested} more would be: raise it, or free some"
        ))
    };
    let mut told: Vec<String> = words.split("exceeded quota: ").skip(1).filter_map(told).collect();
    told.dedup();
    told.truncate(TOLD);
    told
}

/// Records that may not be written or read.
fn rights(words: &str, driver: &str) -> Option<String> {
    let about_records =
        ["create: failed to create: ", "query: failed to query with labels: ", "list: failed to list: "];
    let refused = format!("{driver} is forbidden: ");
    about_records.iter().any(|mark| words.contains(&format!("{mark}{refused}"))).then(|| {
        let other = if driver == "secrets" { "configmaps" } else { "secrets" };
        format!(
            "releases are recorded in {driver}: that takes the rights to get, list, create, update and delete them; \
             HELM_DRIVER={other} records new releases in {other}"
        )
    })
}

/// A chart's `kubeVersion`. A constraint without a pre-release takes no version with one, as providers' are.
fn kube_version(words: &str) -> Option<String> {
    let (wanted, rest) =
        words.split_once("chart requires kubeVersion: ")?.1.split_once(" which is incompatible with ")?;
    let found = rest.strip_prefix("Kubernetes ")?.split_whitespace().next()?;
    Some(match found.contains('-') && !wanted.contains('-') {
        true => format!(
            "{found} counts as a pre-release, which {wanted:?} never takes; a chart that says {:?} would",
            format!("{wanted}-0")
        ),
        false => format!("an older version of the chart may take {found}; its Chart.yaml says which cluster it wants"),
    })
}

/// Whose the object is that is in the way.
async fn foreign(storage: &Storage, words: &str) -> Vec<String> {
    let mark = "key \"meta.helm.sh/release-name\" must equal ";
    let others =
        words.split(mark).skip(1).filter_map(|rest| rest.split("current value is \"").nth(1)?.split('"').next());
    let mut hints = Vec::new();
    for other in others.take(1) {
        match storage.list(&format!("name={other}")).await {
            Ok(found) if found.is_empty() => hints.push(format!(
                "release {other} has no record in {}: pilothouse doctor {other} tells what it left",
                storage.namespace()
            )),
            Ok(_) => hints.push(format!("it belongs to the release {other} of {}", storage.namespace())),
            Err(_) => {}
        }
    }
    hints.push("--take-ownership takes it over".to_owned());
    hints
}

/// Where a webhook comes from, and who answers for it.
async fn webhook(cluster: &Cluster, name: &str) -> Option<String> {
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        for configuration in cluster.list("admissionregistration.k8s.io/v1", kind, "", "").await.unwrap_or_default() {
            let webhooks = configuration.value["webhooks"].as_array().into_iter().flatten();
            let Some(webhook) = webhooks.into_iter().find(|webhook| webhook["name"] == name) else {
                continue;
            };
            let client = &webhook["clientConfig"];
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let service = &client["service"];
            let answers = match service["name"].as_str() {
                Some(service_name) => format!("the Service {service_name} of {}", text(&service["namespace"])),
                None => text(&client["url"]),
            };
            let owner = owner(&configuration).map_or(String::new(), |(release, namespace)| {
                format!(", which the release {release} of {namespace} brought")
            });
            return Some(format!(
                "the webhook {name} is of {kind}/{}{owner}; {answers} answers for it",
                configuration.name()
            ));
        }
    }
    None
}

/// A namespace that is not there, and the one that may have been meant.
async fn namespace(cluster: &Cluster, name: &str, own: &str, words: &str) -> Vec<String> {
    if !words.contains(&format!("namespaces \"{name}\" not found")) {
        return Vec::new();
    }
    let mut hints = match name == own {
        true => vec!["--create-namespace of install makes it".to_owned()],
        false => vec![format!("a template of the chart names the namespace {name}: it has to be there before")],
    };
    let known = cluster.namespaces().await.unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
    hints.extend(crate::cluster::discovery::nearest(&names, name).map(|near| format!("there is a namespace {near}")));
    hints
}

/// The release of this name in other namespaces, and where other drivers would look.
async fn elsewhere(storage: &Storage, release: &str) -> Option<String> {
    let everywhere = storage.in_namespace("").list(&format!("name={release}")).await.unwrap_or_default();
    let mut namespaces: Vec<String> = everywhere.into_iter().map(|meta| meta.namespace).collect();
    namespaces.sort();
    namespaces.dedup();
    namespaces.retain(|namespace| namespace != storage.namespace());
    namespaces.truncate(TOLD);
    if !namespaces.is_empty() {
        return Some(format!("there is a release {release} in {}: -n names the namespace", namespaces.join(", ")));
    }
    for driver in [Driver::Secrets, Driver::ConfigMaps] {
        let other = Storage::new(storage.cluster().clone(), driver, storage.namespace());
        let word = other.driver();
        if word != storage.driver() && !other.list(&format!("name={release}")).await.unwrap_or_default().is_empty() {
            return Some(format!("the records of {release} are in {word}: HELM_DRIVER={word} finds them"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are kube-apiserver 1.36's, as Helm 4.2.4 and we print them.
    #[test]
    fn immutable_fields_are_named() {
        let words = "UPGRADE FAILED: server-side apply failed for object a/x /v1, Kind=Service: Service \"x\" is invalid: \
                     spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set && cannot patch \"x\" with kind \
                     Deployment: Deployment.apps \"x\" is invalid: spec.selector: Invalid value: \
                     {\"matchLabels\":{\"app\":\"y\"}}: field is immutable\nStatefulSet.apps \"db\" is invalid: spec: \
                     Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden";
        let found: Vec<String> = immutable(words)
            .iter()
            .map(|hint| hint.split(" cannot be").next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(found, ["Service/x: spec.clusterIPs[0]", "Deployment/x: spec.selector", "StatefulSet/db: spec"]);
        assert!(
            immutable("Service \"x\" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535")
                .is_empty()
        );
    }

    #[test]
    fn a_quota_is_told_once() {
        let one = "configmaps \"m\" is forbidden: exceeded quota: two, requested: count/configmaps=1, used: \
                   count/configmaps=3, limited: count/configmaps=3";
        let hints = quotas(&format!("{one}\n{one}"));
        let words = "the ResourceQuota two allows count/configmaps=3, count/configmaps=3 is used and count/configmaps=1 more \
                     would be: raise it, or free some";
        assert_eq!(hints, [words]);
    }

    #[test]
    fn versions_of_providers_count_as_pre_releases() {
        let hint = |words: &str| kube_version(words).expect("a hint");
        let refused = |wanted: &str, found: &str| {
            format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")
        };
        assert!(hint(&refused(">=1.28.0", "v1.36.1-gke.5")).contains("\">=1.28.0-0\""));
        assert!(hint(&refused(">=1.99.0", "v1.36.1")).starts_with("an older version of the chart"));
        assert_eq!(kube_version("something else"), None);
    }

    #[test]
    fn rights_are_told_where_records_are_refused() {
        let words = |resource: &str| format!("create: failed to create: {resource} is forbidden: User \"x\" cannot");
        assert!(rights(&words("secrets"), "secrets").is_some());
        assert!(rights(&words("configmaps"), "secrets").is_none());
    }
}
