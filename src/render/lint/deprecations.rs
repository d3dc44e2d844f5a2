//! Kinds that a version of Kubernetes deprecates (helm/helm `pkg/chart/v2/lint/rules/deprecations.go`).

use crate::render::KubeVersion;

/// A line a kind, with tabs: `apiVersion`, kind, the version that deprecates it, what Kubernetes says after that. Made
/// from the lifecycle of every type in k8s.io/client-go 0.36.1.
const DEPRECATIONS: &str = include_str!("deprecations.txt");

/// What Kubernetes of this version says of a kind that it deprecates.
pub(super) fn deprecation(api_version: &str, kind: &str, kubernetes: &KubeVersion) -> Option<String> {
    let found = DEPRECATIONS.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let matches = fields.next() == Some(api_version) && fields.next() == Some(kind);
        if matches { fields.next().zip(fields.next()) } else { None }
    });
    let (since, more) = found?;
    let (major, minor) = since.split_once('.')?;
    let number = |text: &str| text.parse::<u64>().ok();
    let is_deprecated = (number(&kubernetes.major)?, number(&kubernetes.minor)?) >= (number(major)?, number(minor)?);
    is_deprecated.then(|| format!("{api_version} {kind} is deprecated in v{since}+{more}"))
}

#[cfg(test)]
mod tests {
    use super::deprecation;
    use crate::render::KubeVersion;

    /// Answers of `helm lint` 4.2.4.
    #[test]
    fn deprecations_begin_with_a_version() {
        let ingress = |version: &str| {
            deprecation("extensions/v1beta1", "Ingress", &KubeVersion::parse(version).expect("a version"))
        };
        assert_eq!(ingress("1.13.0"), None);
        let words = "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress";
        assert_eq!(ingress("1.14.0").as_deref(), Some(words));
        assert_eq!(ingress("1.36.0").as_deref(), Some(words));
        let kubernetes = KubeVersion::parse("1.36.0").expect("a version");
        assert_eq!(deprecation("apps/v1", "Deployment", &kubernetes), None);
    }
}
