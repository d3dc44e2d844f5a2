//! Names that Kubernetes allows an object (k8s.io/apimachinery `pkg/api/validation/name.go`, and which kind has which
//! rule: helm/helm `pkg/chart/v2/lint/rules/template.go`).

use crate::template::fmt::quote;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/// What is wrong with the name of an object of this kind.
pub(super) fn problem(kind: &str, name: &str) -> Option<String> {
    let problems = match kind.to_lowercase().as_str() {
        "service" => label_1035(name),
        "namespace" => label(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    };
    let quoted = quote(name.as_bytes());
    let errors: Vec<String> =
        problems.iter().map(|problem| format!("metadata.name: Invalid value: {quoted}: {problem}")).collect();
    let all = match errors.as_slice() {
        [] => return None,
        [error] => error.clone(),
        errors => format!("[{}]", errors.join(", ")),
    };
    Some(format!("object name does not conform to Kubernetes naming requirements: {quoted}: {all}"))
}

fn subdomain(name: &str) -> Vec<String> {
    let mut problems = too_long(name, 253);
    if !name.split('.').all(is_label) {
        problems.push(format!("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"));
    }
    problems
}

fn label(name: &str) -> Vec<String> {
    let mut problems = too_long(name, 63);
    if !is_label(name) {
        problems.push(if name.split('.').all(is_label) {
            "must not contain dots".to_owned()
        } else {
            format!("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')")
        });
    }
    problems
}

fn label_1035(name: &str) -> Vec<String> {
    let mut problems = too_long(name, 63);
    if !is_label(name) || name.starts_with(|char: char| char.is_ascii_digit()) {
        problems.push(format!("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{LABEL_1035}')"));
    }
    problems
}

fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let found = ["/", "%"].into_iter().filter(|part| name.contains(part));
    found.map(|part| format!("may not contain '{part}'")).collect()
}

fn too_long(name: &str, most: usize) -> Vec<String> {
    if name.len() > most { vec![format!("must be no more than {most} characters")] } else { Vec::new() }
}

fn is_label(text: &str) -> bool {
    let inner = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::problem;

    /// Messages of `k8s.io/apimachinery` 0.36.1, by their first words.
    #[track_caller]
    fn check(kind: &str, name: &str, words: Option<&str>) {
        let head = format!("object name does not conform to Kubernetes naming requirements: {name:?}: ");
        let found = problem(kind, name);
        let found = found.as_deref().map(|text| text.strip_prefix(&head).expect("the words before"));
        match words {
            None => assert_eq!(found, None),
            Some(words) => assert!(found.is_some_and(|text| text.starts_with(words)), "{found:?}"),
        }
    }

    #[test]
    fn every_kind_has_its_rule() {
        check("Deployment", "a.b", None);
        check("Service", "a.b", Some("metadata.name: Invalid value: \"a.b\": a DNS-1035 label must"));
        check("Service", "1a", Some("metadata.name: Invalid value: \"1a\": a DNS-1035 label must"));
        check("Namespace", "a.b", Some("metadata.name: Invalid value: \"a.b\": must not contain dots"));
        check("ClusterRole", "system:A_b", None);
        check(
            "Role",
            "a/b%",
            Some(
                "[metadata.name: Invalid value: \"a/b%\": may not contain '/', metadata.name: Invalid value: \"a/b%\": may not contain '%']",
            ),
        );
        check("RoleBinding", "..", Some("metadata.name: Invalid value: \"..\": may not be '..'"));
        check("CertificateSigningRequest", "", None);
        check("Anything", "", Some("metadata.name: Invalid value: \"\": a lowercase RFC 1123 subdomain must"));
        let long = "A".repeat(254);
        let words = format!("[metadata.name: Invalid value: {long:?}: must be no more than 253 characters, ");
        check("Pod", &long, Some(&words));
    }
}
