//! Who puts things back: GitOps controllers, told by the marks they leave.

use crate::manifest::{Object, string_map};

/// Which GitOps controller owns live objects or wrote the record, from tracking labels and annotations and managers:
/// `Flux HelmRelease payments/checkout`, `Argo CD application checkout`. Nothing is claimed otherwise.
pub fn gitops_owner(live: &[&Object], writers: &[(String, String)]) -> Option<String> {
    let marked = live.iter().find_map(|object| from_marks(object));
    // Flux writes records with a manager of this name (fluxcd/helm-controller).
    let written = || {
        let flux = writers.iter().any(|(manager, _)| manager == "helm-controller");
        flux.then(|| "Flux helm-controller".to_owned())
    };
    marked.or_else(written)
}

fn from_marks(object: &Object) -> Option<String> {
    let labels = string_map(&object.value["metadata"]["labels"]);
    let flux = |kind: &str, prefix: &str| {
        let name = labels.get(&format!("{prefix}/name"))?;
        let namespace = labels.get(&format!("{prefix}/namespace"))?;
        Some(format!("Flux {kind} {namespace}/{name}"))
    };
    let argo = || {
        // The tracking id reads `application:group/kind:namespace/name` (Argo CD, "Resource tracking").
        let tracked = object.annotation("argocd.argoproj.io/tracking-id");
        let application = tracked.and_then(|id| id.split(':').next()).map(str::to_owned);
        let application = application.or_else(|| labels.get("argocd.argoproj.io/instance").cloned())?;
        Some(format!("Argo CD application {application}"))
    };
    flux("HelmRelease", "helm.toolkit.fluxcd.io")
        .or_else(|| flux("Kustomization", "kustomize.toolkit.fluxcd.io"))
        .or_else(argo)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(metadata: Value, writers: &[&str], expected: Option<&str>) {
        let object = Object::new(json!({"metadata": metadata}));
        let writers: Vec<_> = writers.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        assert_eq!(gitops_owner(&[&object], &writers).as_deref(), expected);
    }

    #[test]
    fn controllers_are_known_by_their_marks() {
        let flux = json!({"labels": {"helm.toolkit.fluxcd.io/name": "checkout", "helm.toolkit.fluxcd.io/namespace": "payments"}});
        check(flux, &[], Some("Flux HelmRelease payments/checkout"));
        let kustomize = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}});
        check(kustomize, &[], Some("Flux Kustomization flux-system/apps"));
        let argo = json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}});
        check(argo, &[], Some("Argo CD application shop"));
        check(json!({"labels": {"argocd.argoproj.io/instance": "shop"}}), &[], Some("Argo CD application shop"));
        check(json!({}), &["helm", "helm-controller"], Some("Flux helm-controller"));
    }

    #[test]
    fn nothing_is_claimed_otherwise() {
        check(json!({"labels": {"app.kubernetes.io/instance": "shop"}}), &["helm", "argocd-controller"], None);
    }
}
