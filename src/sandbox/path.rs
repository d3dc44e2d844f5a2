//! What a request asks for: its path and query.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    failure::Failure,
    kinds::{Kind, Kinds},
};

/// An object or a collection of a served kind.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The kind.
    pub kind: Arc<Kind>,
    /// Namespace; empty for cluster-scoped kinds and lists over all namespaces.
    pub namespace: String,
    /// Object name; empty for a collection.
    pub name: String,
    /// `status`, `scale`, `log` …; empty for the object itself.
    pub subresource: String,
}

/// A path, split into what it is about.
#[derive(Debug, Clone)]
pub(super) enum Path {
    /// Everything that is not about objects: discovery, version, health.
    Plain,
    /// An object or a collection.
    Object(Route),
    /// A virtual resource: reviews and metrics. Group, resource, namespace, name.
    Virtual {
        /// API group.
        group: String,
        /// Plural resource.
        resource: String,
        /// Namespace, empty when none is named.
        namespace: String,
        /// Name, empty for a collection.
        name: String,
    },
}

/// Groups whose resources are answered without a store.
pub(super) const VIRTUAL: &[&str] = &["authorization.k8s.io", "authentication.k8s.io", "metrics.k8s.io"];

/// Reads a path. Unknown kinds are 501.
pub(super) fn parse(path: &str, kinds: &Kinds) -> Result<Path, Failure> {
    let decoded: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Path::Plain),
    };
    let (namespace, rest) = match rest {
        // `namespaces/N/status` and `finalize` are about the namespace itself.
        ["namespaces", _, "status" | "finalize"] => ("", rest),
        ["namespaces", namespace, inner @ ..] if !inner.is_empty() => (*namespace, inner),
        _ => ("", rest),
    };
    let [plural, tail @ ..] = rest else {
        return Ok(Path::Plain);
    };
    let (name, subresource) = match tail {
        [] => ("", ""),
        [name] => (*name, ""),
        [name, subresource] => (*name, *subresource),
        _ => return Err(Failure::not_served(path)),
    };
    if VIRTUAL.contains(&group) {
        return Ok(Path::Virtual {
            group: group.to_owned(),
            resource: (*plural).to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    }
    let kind = kinds.by_path(group, version, plural).ok_or_else(|| Failure::not_served(path))?;
    Ok(Path::Object(Route {
        kind: kind.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
    }))
}

fn decode(part: &str) -> String {
    // Path segments know no `+` for a blank, unlike queries.
    let escaped = part.replace('+', "%2B");
    form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

/// The query parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the part after `?`.
    pub fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// One parameter, empty when absent.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// A boolean parameter.
    pub fn is(&self, key: &str) -> bool {
        matches!(self.get(key), "true" | "1")
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key).parse().ok()
    }

    /// Whether `dryRun=All` is asked for.
    pub fn dry_run(&self) -> bool {
        self.get("dryRun") == "All"
    }
}
